import type { LookupAddress } from "node:dns";
import { describe, expect, it } from "vitest";
import { assertMayReach, createGuardedLookup, mayReach } from "../../../../src/functions/events/sink-guard.ts";

const settings = { namedHosts: ["named.example", "local.example:81"], allowPrivateHosts: ["local.example:81"] };

describe("the address of a sink", () => {
  it.each([
    ["any.example", "93.184.215.14", true],
    ["any.example", "2606:2800:21f::1", true],
    ["any.example", "10.0.0.4", false],
    ["any.example", "fd12::1", false],
    ["named.example", "10.0.0.4", true],
    ["named.example", "fd12::1", true],
    ["named.example", "127.0.0.1", false],
    ["named.example", "::1", false],
    ["named.example", "0.0.0.0", false],
    ["named.example", "::ffff:127.0.0.1", false],
    ["local.example:81", "127.0.0.1", true],
    ["local.example", "127.0.0.1", false],
    ["local.example:81", "169.254.169.254", false],
    ["local.example:81", "::ffff:169.254.169.254", false],
    ["local.example:81", "fe80::1", false],
    ["local.example:81", "168.63.129.16", false],
  ])("of %s at %s: %s", (host, address, allowed) => {
    expect(mayReach(host, address, settings)).toBe(allowed);
  });

  it("is checked where the URL itself has it", () => {
    expect(() => assertMayReach(new URL("https://[fe80::1]/"), settings)).toThrow("may not be at this address");
    expect(() => assertMayReach(new URL("https://169.254.169.254/"), settings)).toThrow("may not be at this address");
    expect(() => assertMayReach(new URL("https://named.example/"), settings)).not.toThrow();
  });
});

describe("the look-up of a sink", () => {
  const at = (...found: readonly string[]) => {
    const addresses: LookupAddress[] = found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    const answer = (_host: string, _options: object, done: (error: null, found: LookupAddress[]) => void) => {
      done(null, addresses);
    };
    return Object.assign(answer, { __promisify__: () => Promise.reject(new Error("unused")) });
  };
  const ask = (all: boolean, ...found: readonly string[]) =>
    new Promise<unknown>((resolve, reject) => {
      // @ts-expect-error the one overload of dns.lookup that is asked
      const lookup = createGuardedLookup("any.example", settings, at(...found));
      lookup("any.example", { all }, (error, address) => (error ? reject(error) : resolve(address)));
    });

  it("yields only addresses that are allowed", async () => {
    expect(await ask(true, "10.0.0.4", "93.184.215.14")).toEqual([{ address: "93.184.215.14", family: 4 }]);
    expect(await ask(false, "10.0.0.4", "93.184.215.14")).toBe("93.184.215.14");
  });

  it("refuses a name that leads inside only", async () => {
    await expect(ask(true, "10.0.0.4", "127.0.0.1")).rejects.toMatchObject({ code: "ADDRESS_REFUSED" });
  });
});
