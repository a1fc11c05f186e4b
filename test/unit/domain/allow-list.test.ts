import { describe, expect, it } from "vitest";
import {
  type AllowSettings,
  assertAllowedSource,
  assertAllowedTarget,
  assertAllowedToRead,
  isAllowedSource,
  isAllowedTarget,
} from "../../../src/domain/allow-list.ts";
import { matchesHost, parseHostPattern } from "../../../src/domain/host-pattern.ts";
import { isPrivateHost } from "../../../src/domain/private-host.ts";
import { normaliseHost } from "../../../src/domain/reference.ts";
import { refusal } from "./refusal.ts";

const open: AllowSettings = {
  allowedSources: undefined,
  allowedTargets: undefined,
  defaultTarget: "prod.azurecr.io",
  namedHosts: ["localhost:5000", "10.0.0.9"],
};

describe("isAllowedSource", () => {
  it.each([
    ["docker.io", true],
    ["8.8.8.8:5000", true],
    ["[2606:4700::1111]", true],
    ["registry:5000", true],
    ["localhost", false],
    ["localhost:5000", true],
    ["localhost:5001", false],
    ["x.localhost", false],
    ["127.0.0.1:5000", false],
    ["10.0.0.9", true],
    ["10.0.0.9:5000", false],
  ])("says of %s, where any public host may be a source: %s", (host, expected) => {
    expect(isAllowedSource(host, open)).toBe(expected);
  });

  it("takes only what is listed, once there is a list", () => {
    const settings = { ...open, allowedSources: ["docker.io", "*.example", "*.localhost", "192.168.1.1"] };

    const allowed = ["docker.io", "a.example", "a.b.example", "192.168.1.1", "example", "ghcr.io", "x.localhost"];
    expect(allowed.filter((host) => isAllowedSource(host, settings))).toEqual(allowed.slice(0, 4));
  });

  it("says which host, which side and what to do", () => {
    const error = refusal(() => assertAllowedSource("127.0.0.1", open));

    expect(error.toWire()).toMatchObject({ code: "HOST_NOT_ALLOWED", side: "source", registry: "127.0.0.1" });
    expect(error.message).toContain("ALLOW_PRIVATE_HOSTS");
    for (const host of ["169.254.169.254", "[fe80::1]:5000", "0.0.0.0"]) {
      const { message } = refusal(() => assertAllowedSource(host, open));
      expect(message).toMatch(/not allowed here; no setting allows such addresses$/);
    }
    const listed = refusal(() => assertAllowedSource("ghcr.io", { ...open, allowedSources: ["docker.io"] }));
    expect(listed.message).toContain("ALLOWED_SOURCES");
  });
});

describe("isAllowedTarget", () => {
  it("takes the default target only, unless there is a list", () => {
    expect(isAllowedTarget("prod.azurecr.io", open)).toBe(true);
    expect(isAllowedTarget("other.azurecr.io", open)).toBe(false);
    expect(isAllowedTarget("prod.azurecr.io", { ...open, defaultTarget: undefined })).toBe(false);
    const listed = { ...open, allowedTargets: ["*.azurecr.io"] };
    expect(isAllowedTarget("other.azurecr.io", listed)).toBe(true);
    expect(isAllowedTarget("azurecr.io.evil.example", listed)).toBe(false);
  });

  it("names the setting", () => {
    const error = refusal(() => assertAllowedTarget("other.azurecr.io", open));

    expect(error.toWire()).toMatchObject({ code: "HOST_NOT_ALLOWED", side: "target", registry: "other.azurecr.io" });
    expect(error.message).toContain("ALLOWED_TARGETS");
  });
});

describe("parseHostPattern", () => {
  it.each([
    [" Docker.io ", "docker.io"],
    ["registry-1.docker.io", "docker.io"],
    ["*.Azurecr.io", "*.azurecr.io"],
    ["localhost:5000", "localhost:5000"],
    ["*", undefined],
    ["*.*.io", undefined],
    ["https://docker.io", undefined],
    ["", undefined],
  ])("reads %j as %s", (text, pattern) => {
    expect(parseHostPattern(text)).toBe(pattern);
  });

  it("stands for hosts below the domain only", () => {
    expect(matchesHost("*.b.c", "a.b.c")).toBe(true);
    expect(matchesHost("*.b.c", "b.c")).toBe(false);
    expect(matchesHost("*.b.c", "ab.c")).toBe(false);
    expect(matchesHost("b.c", "b.c:5000")).toBe(false);
  });
});

describe("isPrivateHost", () => {
  it.each([
    ...["localhost:5000", "a.localhost", "127.8.9.1", "10.1.1.1:80", "172.16.0.1", "172.31.255.255", "192.168.0.1"],
    ...["169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "198.19.0.1", "192.0.0.8"],
    ...["[::1]:5000", "[::]", "[fc00::1]", "[fd12:3456::1]", "[fe80::1]", "[ff02::1]", "[::ffff:10.0.0.1]"],
    ...["[::ffff:127.0.0.1]", "[64:ff9b::169.254.169.254]", "[2002:a00:1::]", "[2001:0:a::1]", "[::127.0.0.1]"],
  ])("counts %s as private", (host) => {
    expect(isPrivateHost(normaliseHost(host) ?? "unreadable")).toBe(true);
  });

  it.each([
    ...["docker.io", "8.8.8.8", "172.32.0.1", "172.15.0.1", "192.169.0.1", "100.128.0.1", "11.0.0.1:5000"],
    ...["[2606:4700::1111]:443", "[::ffff:8.8.8.8]", "[64:ff9b::8.8.8.8]", "localhost.example"],
  ])("counts %s as public", (host) => {
    expect(isPrivateHost(normaliseHost(host) ?? "localhost")).toBe(false);
  });
});

describe("assertAllowedToRead", () => {
  const settings = { ...open, allowedSources: ["docker.io"], allowedTargets: ["prod.example"] };

  it.each(["source", "target"] as const)("lets a %s be any registry that imports may read or write", (side) => {
    expect(() => assertAllowedToRead(side, "docker.io", settings)).not.toThrow();
    expect(() => assertAllowedToRead(side, "prod.example", settings)).not.toThrow();
    expect(refusal(() => assertAllowedToRead(side, "other.example", settings))).toMatchObject({
      code: "HOST_NOT_ALLOWED",
      side,
    });
  });
});
