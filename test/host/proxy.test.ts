import { expect, it } from "vitest";
import { startConnectProxy } from "../helpers/connect-proxy.ts";
import { image } from "../helpers/images.ts";
import { startApi } from "./api-support/start-api.ts";

it("imports on the host of this machine, and asks no proxy for it, where all of http goes through one", async () => {
  await using proxy = await startConnectProxy({});
  await using api = await startApi({
    settings: { HTTP_PROXY: proxy.url, http_proxy: proxy.url, no_proxy: "x.example" },
  });
  await api.source.seedImage("team/app", "1", image({ layers: [1_000] }));

  const record = await api.importAndWait({ source: `${api.source.host}/team/app:1` });

  expect(record).toMatchObject({ state: "Succeeded" });
  expect(proxy.asked).toEqual([]);
});
