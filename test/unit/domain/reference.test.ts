import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatReference,
  normaliseHost,
  parseReference,
  parseRegistryUri,
  parseSourceImage,
  type Reference,
  registryHostSchema,
  splitReference,
} from "../../../src/domain/reference.ts";
import { ImportError } from "../../../src/errors.ts";
import { anyReference } from "./arbitraries.ts";
import { attempt, refusal } from "./refusal.ts";

const hex = "0123456789abcdef".repeat(4);

describe("parseReference", () => {
  it.each<[string, Reference]>([
    ["docker.io/library/alpine:3.20", { registry: "docker.io", repository: "library/alpine", tag: "3.20" }],
    ["docker.io/nginx", { registry: "docker.io", repository: "library/nginx", tag: "latest" }],
    ["index.docker.io/nginx:1", { registry: "docker.io", repository: "library/nginx", tag: "1" }],
    ["Docker.IO/grafana/grafana", { registry: "docker.io", repository: "grafana/grafana", tag: "latest" }],
    ["localhost/app", { registry: "localhost", repository: "app", tag: "latest" }],
    ["localhost:5000/a/b/c:x", { registry: "localhost:5000", repository: "a/b/c", tag: "x" }],
    ["registry:5000/app", { registry: "registry:5000", repository: "app", tag: "latest" }],
    ["127.0.0.1:5001/app:1", { registry: "127.0.0.1:5001", repository: "app", tag: "1" }],
    ["[2001:DB8:0::1]:5000/app:1", { registry: "[2001:db8::1]:5000", repository: "app", tag: "1" }],
  ])("reads %s", (text, expected) => {
    expect(parseReference(text)).toEqual(expected);
  });

  it("keeps tag and digest, and adds no tag to a digest", () => {
    expect(parseReference(`ghcr.io/a/b:1@sha256:${hex}`)).toMatchObject({ tag: "1", digest: `sha256:${hex}` });
    expect(parseReference(`ghcr.io/a/b@sha256:${hex}`)).toEqual({
      registry: "ghcr.io",
      repository: "a/b",
      digest: `sha256:${hex}`,
    });
  });

  it.each([
    ["alpine:3.20", "docker.io/library/alpine:3.20"],
    ["grafana/grafana", "docker.io/grafana/grafana"],
    ["https://docker.io/library/alpine", "docker.io/library/alpine"],
    ["ghcr.io/Team/App:1", "team/app"],
    ["", "docker.io/library/alpine:3.20"],
  ])("refuses %j with the likely fix as hint", (text, fix) => {
    const error = refusal(() => parseReference(text, "source"));

    expect(error.toWire()).toMatchObject({ code: "INVALID_REFERENCE", property: "source", retryable: false });
    expect(error.toWire().hint).toContain(fix);
  });

  it.each([
    "ghcr.io/a/b:",
    "ghcr.io/a/b@",
    "ghcr.io/a/b@sha256:abc",
    `ghcr.io/a/b@sha384:${hex}`,
    `ghcr.io/a/b@sha256:${hex.toUpperCase()}`,
    `ghcr.io/a@b@sha256:${hex}`,
    "ghcr.io/",
    "ghcr.io//a",
    "ghcr.io/a/",
    "ghcr.io/a..b",
    "ghcr.io/a___b",
    "ghcr.io/-a",
    `ghcr.io/a:${"t".repeat(129)}`,
    `ghcr.io/${"a".repeat(256)}`,
    `docker.io/${"a".repeat(250)}`,
    "alpine:3.20/x",
    "ghcr.io:0/a",
    "ghcr.io:65536/a",
    "-ghcr.io/a",
    "gh_cr.io/a",
    "ghcr..io/a",
    "ghcr.io./a",
    "user@ghcr.io/a",
    " ghcr.io/a",
    "ghcr.io/a\n",
    "[::1/a",
    "[::1%eth0]/a",
    "[zz]/a",
  ])("refuses %j", (text) => {
    expect(refusal(() => parseReference(text)).code).toBe("INVALID_REFERENCE");
  });

  it.each(["127.1/a", "0x7f.1/a", "0x7f.0.0.1/a", "127.0.0.01/a", "300.1.1.1/a", "2130706433.0x0/a"])(
    "refuses %s, which a URL parser would turn into another address",
    (text) => {
      expect(refusal(() => parseReference(text)).code).toBe("INVALID_REFERENCE");
    },
  );

  it("parses back every reference it formats", () => {
    fc.assert(
      fc.property(anyReference(), (value) => {
        expect(parseReference(formatReference(value))).toEqual(value);
      }),
    );
  });

  it("throws nothing but INVALID_REFERENCE, whatever it is given", () => {
    const junk = fc.oneof(
      fc.string({ unit: "binary-ascii" }), // building the full "binary" alphabet takes seconds
      fc
        .array(
          fc.constantFrom(
            "a",
            "B",
            ".",
            ":",
            "/",
            "@",
            "-",
            "_",
            "[",
            "]",
            "é",
            "\u{1f4a5}",
            "docker.io",
            "sha256:",
            hex,
            "0",
          ),
        )
        .map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(junk, (text) => {
        const result = attempt(() => parseReference(text));
        if (result instanceof ImportError) expect(result.code).toBe("INVALID_REFERENCE");
        else expect(parseReference(formatReference(result))).toEqual(result);
      }),
    );
  });
});

describe("splitReference", () => {
  it("leaves the repository as it was typed", () => {
    expect(splitReference("docker.io/nginx", "source").image).toEqual({ repository: "nginx" });
  });
});

describe("parseSourceImage", () => {
  it("adds neither tag nor library", () => {
    expect(parseSourceImage("nginx")).toEqual({ repository: "nginx" });
  });

  it("names the property at fault", () => {
    expect(refusal(() => parseSourceImage("nginx:", "source.sourceImage")).toWire().property).toBe(
      "source.sourceImage",
    );
  });
});

describe("parseRegistryUri", () => {
  it.each([
    ["https://docker.io/", "docker.io"],
    ["HTTP://Registry.Example:5000//", "registry.example:5000"],
    ["registry-1.docker.io", "docker.io"],
    ["mcr.microsoft.com", "mcr.microsoft.com"],
  ])("reads %s as %s", (text, host) => {
    expect(parseRegistryUri(text, "source.registryUri")).toBe(host);
  });

  it.each(["https://user:pw@docker.io", "docker.io/library", "ftp://docker.io", "docker.io?x=1", ""])(
    "refuses %j",
    (text) => {
      expect(refusal(() => parseRegistryUri(text, "source.registryUri")).code).toBe("INVALID_REFERENCE");
    },
  );
});

describe("registryHostSchema", () => {
  it("takes hosts only in the form they are stored in", () => {
    expect(registryHostSchema.safeParse("docker.io").success).toBe(true);
    expect(registryHostSchema.safeParse("Docker.io").success).toBe(false);
    expect(registryHostSchema.safeParse("https://docker.io").success).toBe(false);
  });

  it("yields a host that a URL keeps as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", "1", "0", "x", ".", ":", "-", "[", "]", "f") }), (text) => {
        const host = normaliseHost(text);
        if (host === undefined) return;
        const bare = host.startsWith("xn--") || host.includes(".xn--");
        if (!bare)
          expect(new URL(`ftp://${host}`).hostname).toBe(host.replace(/:\d+$/, host.endsWith("]") ? "$&" : ""));
      }),
      { numRuns: 500 },
    );
  });
});
