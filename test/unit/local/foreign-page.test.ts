import { describe, expect, it } from "vitest";
import { refuseForeign } from "../../../src/local/functions-host/foreign-page.ts";

const statusOf = (method: string, headers: Record<string, string>) => refuseForeign({ method, headers })?.status;

describe("the embedded host", () => {
  it.each(["localhost", "localhost:7071", "app.localhost:7071", "127.0.0.1:7071", "127.1.2.3", "[::1]:7071", ""])(
    "answers by the name %s",
    (host) => {
      expect(statusOf("POST", { host })).toBeUndefined();
    },
  );

  it.each([
    "evil.example",
    "evil.example:7071",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "192.168.0.2:7071",
  ])("does not answer by the name %s, which may lead here", (host) => {
    expect([statusOf("GET", { host }), statusOf("POST", { host })]).toEqual([421, 421]);
  });

  it("leaves it to the service whom the platform's sign-in has let in", () => {
    const headers = { host: "localhost", "sec-fetch-site": "cross-site", "x-ms-client-principal-id": "somebody" };

    expect(statusOf("POST", headers)).toBeUndefined();
  });

  it("lets no page of another site or port change anything, and everything else do so", () => {
    const host = "127.0.0.1:7071";
    const sites = ["cross-site", "same-site", "same-origin", "none"];

    expect(sites.map((site) => statusOf("DELETE", { host, "sec-fetch-site": site }))).toEqual([
      ...[403, 403],
      ...[undefined, undefined],
    ]);
    expect(statusOf("GET", { host, "sec-fetch-site": "cross-site" })).toBeUndefined();
  });
});
