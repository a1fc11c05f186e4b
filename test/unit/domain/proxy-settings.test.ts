import { describe, expect, it } from "vitest";
import { loopbackWithoutProxy } from "../../../src/domain/proxy-settings.ts";

const loopback = "localhost,127.0.0.1,::1,[::1]";

describe("loopback addresses in the environment's NO_PROXY", () => {
  it.each([
    ["where there is none", {}, { NO_PROXY: loopback }],
    ["where it is empty", { NO_PROXY: " " }, { NO_PROXY: loopback }],
    ["after what is there", { NO_PROXY: "a.example, .b" }, { NO_PROXY: `a.example, .b,${loopback}` }],
    ["in the spelling that is set", { no_proxy: "a" }, { no_proxy: `a,${loopback}` }],
    ["in both spellings", { NO_PROXY: "a", no_proxy: "b" }, { NO_PROXY: `a,${loopback}`, no_proxy: `b,${loopback}` }],
    ["once", { NO_PROXY: `127.0.0.1,a,localhost` }, { NO_PROXY: "127.0.0.1,a,localhost,::1,[::1]" }],
    ["not where all go without one", { NO_PROXY: "*", no_proxy: "a,*" }, { NO_PROXY: "*", no_proxy: "a,*" }],
  ])("are added %s", (_where, env, wanted) => {
    expect(loopbackWithoutProxy(env)).toEqual(wanted);
  });
});
