import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/digest.ts";
import { getBlob } from "../../../src/registry/blobs.ts";
import { firstPage } from "../../../src/registry/list-pages.ts";
import { getManifest, headManifest } from "../../../src/registry/manifests.ts";
import { listTagPages } from "../../../src/registry/tags.ts";
import { putBlob, startUpload } from "../../../src/registry/uploads.ts";
import { type Responder, startServer } from "../../helpers/http-server.ts";
import { createTestNetwork } from "../../helpers/network.ts";
import { createTestClient, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const content = new Uint8Array(3);
const digest = digestOf(content);

/** A registry that is allowed, and the error of one call that it leads elsewhere. */
async function ledBy(respond: Responder, ask: (client: Asked) => Promise<unknown>) {
  await using registry = await startServer(respond);
  const isInsecure = (host: string) => !host.startsWith("plain.example");
  await using client = createTestClient({
    network: createTestNetwork({ isInsecure, allowPrivateHosts: [registry.host] }),
  });
  const credentials = { kind: "password", username: "u", password: "p" } as const;
  const thrown = await thrownBy(() =>
    ask(client.repository(registry.host, { credentials, actions: ["pull", "push"] })),
  );
  return { thrown, requests: registry.requests, registry: registry.host, sleeps: client.clock.sleeps };
}

type Asked = ReturnType<ReturnType<typeof createTestClient>["repository"]>;

/** Everything by which a registry can name another host, and a call that follows it. */
const ways: Readonly<Record<string, readonly [(url: string) => Responder, (repository: Asked) => Promise<unknown>]>> = {
  "a redirect": [
    (url) => () => ({ status: 307, headers: { location: url } }),
    (repository) => getBlob(repository, { digest }, never),
  ],
  "a redirect of a manifest": [
    (url) => () => ({ status: 302, headers: { location: url } }),
    (repository) => getManifest(repository, "1", never),
  ],
  "a token realm": [
    (url) => () => ({ status: 401, headers: { "www-authenticate": `Bearer realm="${url}",service="s"` } }),
    (repository) => headManifest(repository, "1", never),
  ],
  "the Location of an upload": [
    (url) => () => ({ status: 202, headers: { location: url } }),
    async (repository) => {
      const session = await startUpload(repository, never);
      return await putBlob(repository, session, { digest, sizeBytes: 3, content }, never);
    },
  ],
  "the Link to a next page": [
    (url) => () => ({ status: 200, headers: { link: `<${url}>; rel="next"` }, body: '{"tags":["1"]}' }),
    async (repository) => {
      for await (const _ of listTagPages(repository, firstPage, never));
    },
  ],
};
const places = [
  ["http://127.0.0.1:1/x", "a loopback address (127.0.0.1:1)", "ALLOW_PRIVATE_HOSTS"],
  ["https://169.254.169.254/latest/meta-data?sig=secret", "the metadata service of a cloud", "no setting allows"],
  ["https://10.1.2.3/x", "a private address (10.1.2.3)", "ALLOW_PRIVATE_HOSTS or REGISTRIES"],
  ["https://[::ffff:192.168.0.1]/x", "a private address", "ALLOW_PRIVATE_HOSTS or REGISTRIES"],
  ["https://[fe80::1]/x", "a link-local address", "no setting allows"],
  ["http://plain.example/x", "without TLS", "INSECURE_HOSTS"],
] as const;

describe.each(Object.entries(ways))("%s", (_, [respond, ask]) => {
  it.each(places)("to %s is refused once, with its own error", async (url, what, hint) => {
    const { thrown, requests, registry, sleeps } = await ledBy(respond(url), ask);

    expect(thrown).toMatchObject({ code: "HOST_NOT_ALLOWED", side: "source", registry, retryable: false });
    expect(String(thrown)).toContain(what);
    expect(String(thrown)).toContain(hint);
    expect(String(thrown)).not.toContain("secret");
    expect(requests).toHaveLength(1);
    expect(sleeps).toEqual([]);
  });
});

describe("the Location of an upload", () => {
  it.each(["ftp://r.example/x", "file:///etc/passwd", "data:,x"])("to %s is refused", async (url) => {
    const [respond, ask] = ways["the Location of an upload"] ?? [];

    const { thrown, sleeps } = await ledBy(
      respond?.(url) ?? (() => undefined),
      ask ?? (() => Promise.reject(new Error("no such way"))),
    );

    expect(thrown).toMatchObject({ code: "HOST_NOT_ALLOWED", retryable: false });
    expect(sleeps).toEqual([]);
  });
});

describe("bounds of answers", () => {
  it("ends at too many headers, and says so", async () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`x-${at}`, "a".repeat(1_000)]));

    const { thrown, requests } = await ledBy(
      () => ({ status: 200, headers: many }),
      (repository) => headManifest(repository, "1", never),
    );

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: false });
    expect(String(thrown)).toContain("bytes of headers");
    expect(requests).toHaveLength(1);
  });

  it("ends at a token that is too long", async () => {
    const { thrown } = await ledBy(
      ({ url, headers }) =>
        url.startsWith("/token")
          ? { status: 200, body: JSON.stringify({ token: "t".repeat(300 * 1024) }) }
          : { status: 401, headers: { "www-authenticate": `Bearer realm="http://${headers.host}/token"` } },
      (repository) => headManifest(repository, "1", never),
    );

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: false });
    expect(String(thrown)).toContain("262144 bytes");
  });

  it("reads no more of an error than 64 KiB", async () => {
    const body = `{"errors":[],"padding":"${"x".repeat(200 * 1024)}"}`;

    const { thrown } = await ledBy(
      () => ({ status: 403, body }),
      (repository) => headManifest(repository, "1", never),
    );

    expect(thrown).toMatchObject({ code: "SOURCE_FORBIDDEN" });
    expect(String(thrown).length).toBeLessThan(1_000);
  });

  it("asks for content as it is stored, and never decompresses it", async () => {
    const { thrown, requests } = await ledBy(
      () => ({
        status: 200,
        headers: { "content-encoding": "gzip", "docker-content-digest": digest },
        body: "not gzip",
      }),
      (repository) => getManifest(repository, digest, never),
    );

    expect(thrown).toMatchObject({ code: "SOURCE_CONTENT_CORRUPT" });
    expect(requests[0]?.headers["accept-encoding"]).toBe("identity");
  });
});
