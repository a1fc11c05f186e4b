import { describe, expect, it } from "vitest";
import { usedUpSeconds } from "../../../src/registry/quota.ts";

const read = (headers: Readonly<Record<string, string>>) => usedUpSeconds((name) => headers[name]);

describe("usedUpSeconds", () => {
  it.each<[string, Readonly<Record<string, string>>, number | undefined]>([
    [
      "Docker Hub: looks again after a quarter of an hour, as only the window is told (docker/hub-feedback#2464)",
      { "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "0;w=21600" },
      900,
    ],
    ["Docker Hub: a quota with something left", { "ratelimit-remaining": "76;w=21600" }, undefined],
    ["three headers", { "ratelimit-remaining": "0", "ratelimit-reset": "30" }, 30],
    ["a window that only the limit names", { "ratelimit-limit": "10;w=240", "ratelimit-remaining": "0" }, 10],
    ["one header of names", { ratelimit: "limit=100, remaining=0, reset=50" }, 50],
    ["one header of a structured item", { ratelimit: '"default";r=0;t=12' }, 12],
    ["one header with something left", { ratelimit: '"default";r=5;t=12' }, undefined],
    ["no header", {}, undefined],
    ["nonsense", { "ratelimit-remaining": "none", ratelimit: ";;=" }, undefined],
    ["used up without an end", { "ratelimit-remaining": "0" }, undefined],
  ])("reads %s", (_, headers, seconds) => {
    expect(read(headers)).toBe(seconds);
  });
});
