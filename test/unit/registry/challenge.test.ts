import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChallenges } from "../../../src/registry/challenge.ts";

describe("parseChallenges", () => {
  it.each([
    [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull,push"',
      [
        {
          scheme: "bearer",
          parameters: {
            realm: "https://auth.docker.io/token",
            service: "registry.docker.io",
            scope: "repository:library/alpine:pull,push",
          },
        },
      ],
    ],
    ['Basic realm="Registry Realm"', [{ scheme: "basic", parameters: { realm: "Registry Realm" } }]],
    [
      'Basic realm="a", Bearer realm="https://b/t", service=c',
      [
        { scheme: "basic", parameters: { realm: "a" } },
        { scheme: "bearer", parameters: { realm: "https://b/t", service: "c" } },
      ],
    ],
    [
      'bearer  Realm = "https://b/t" , error="insufficient_scope"',
      [{ scheme: "bearer", parameters: { realm: "https://b/t", error: "insufficient_scope" } }],
    ],
    ['Bearer realm="say \\"hi\\", please"', [{ scheme: "bearer", parameters: { realm: 'say "hi", please' } }]],
    [
      "Negotiate, Basic realm=x",
      [
        { scheme: "negotiate", parameters: {} },
        { scheme: "basic", parameters: { realm: "x" } },
      ],
    ],
    [
      'Bearer realm="https://b/t", service="never closed',
      [{ scheme: "bearer", parameters: { realm: "https://b/t", service: "" } }],
    ],
    ["", []],
    [" , ,", []],
  ])("reads %s", (header, challenges) => {
    expect(parseChallenges(header)).toEqual(challenges);
  });

  it("reads back whatever challenges are written by the rules", () => {
    const token = fc.stringMatching(/^[a-z][a-z0-9._-]{0,12}$/);
    const parameters = fc.dictionary(
      token.filter((name) => name !== "__proto__"),
      fc.string(),
      { minKeys: 1, maxKeys: 4, noNullPrototype: true },
    );
    const challenges = fc.array(fc.record({ scheme: token, parameters }), { maxLength: 3 });

    fc.assert(
      fc.property(challenges, (written) => {
        const header = written
          .map(({ scheme, parameters: written }) => `${scheme} ${formatParameters(written)}`)
          .join(", ");

        expect(parseChallenges(header)).toEqual(written);
      }),
    );
  });
});

function formatParameters(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}="${value.replace(/["\\]/g, "\\$&")}"`)
    .join(", ");
}
