import fc from "fast-check";
import { type Digest, digestSchema } from "../../../src/digest.ts";
import { type Reference, toReference } from "../../../src/domain/reference.ts";
import { definedOnly } from "../../../src/errors.ts";

const alphanumeric = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz0123456789");
const word = fc.string({ unit: alphanumeric, minLength: 1, maxLength: 8 });

const anyDigest = (): fc.Arbitrary<Digest> =>
  fc
    .tuple(
      fc.constantFrom(["sha256", 64] as const, ["sha512", 128] as const),
      fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 128, maxLength: 128 }),
    )
    .map(([[algorithm, chars], hex]) => digestSchema.parse(`${algorithm}:${hex.slice(0, chars)}`));

export const anyRepository = (): fc.Arbitrary<string> => {
  const component = fc
    .tuple(word, fc.array(fc.tuple(fc.constantFrom(".", "_", "__", "-", "---"), word), { maxLength: 2 }))
    .map(([first, rest]) => first + rest.flat().join(""));
  return fc.array(component, { minLength: 1, maxLength: 4 }).map((components) => components.join("/"));
};

export const anyTag = (): fc.Arbitrary<string> => fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/);

const anyHost = (): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constantFrom("docker.io", "localhost", "localhost:5000", "[::1]:5000", "prod.azurecr.io", "r:1"),
    fc.domain().map((name) => name.toLowerCase()),
    fc.tuple(fc.domain(), fc.integer({ min: 1, max: 65_535 })).map(([name, port]) => `${name.toLowerCase()}:${port}`),
    fc.ipV4(),
    fc.ipV6().map((address) => new URL(`http://[${address}]`).hostname),
  );

export const anyReference = (): fc.Arbitrary<Reference> =>
  fc
    .record({
      registry: anyHost(),
      repository: anyRepository(),
      tag: fc.option(anyTag(), { nil: undefined }),
      digest: fc.option(anyDigest(), { nil: undefined }),
    })
    .map(({ registry, repository, tag, digest }) =>
      toReference(registry, { repository, ...definedOnly({ tag, digest }) }),
    );
