import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/digest.ts";
import { getBlob, headBlob } from "../../../src/registry/blobs.ts";
import { getManifest } from "../../../src/registry/manifests.ts";
import { startUpload } from "../../../src/registry/uploads.ts";
import { startScript, startServer } from "../../helpers/http-server.ts";
import { createTestClient, type FakeClock, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const content = Buffer.from("content");
const digest = digestOf(content);

describe("a body that comes drop by drop", () => {
  /** A server whose answers have no end: 20 s pass at the client before each byte, and its time of day stands still. */
  const startDripping = (status: number, clock: FakeClock) =>
    startServer((_request, { outgoing }) => {
      outgoing.writeHead(status, { "content-type": "application/vnd.oci.image.manifest.v1+json" });
      const drops = setInterval(() => {
        clock.advance(20_000);
        clock.setBack(20_000);
        outgoing.write("x");
      }, 1);
      outgoing.on("close", () => clearInterval(drops));
      return undefined;
    });

  it("is not read for ever where it is wanted as a whole", async () => {
    await using client = createTestClient();
    await using server = await startDripping(200, client.clock);

    const thrown = await thrownBy(() => getManifest(client.repository(server.host), "1", never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true });
    expect(String(thrown)).toContain("within 60 s");
  });

  it("is not read for ever where it tells of an error", async () => {
    await using client = createTestClient();
    await using server = await startDripping(403, client.clock);

    const thrown = await thrownBy(() => getManifest(client.repository(server.host), "1", never));

    expect(thrown).toMatchObject({ code: "SOURCE_FORBIDDEN" });
  });
});

describe("retries", () => {
  it.each([408, 429, 500, 502, 503, 504])("tries an idempotent request again after %i", async (status) => {
    await using server = await startScript({ status }, { status: 200, headers: { "content-length": "7" } });
    await using client = createTestClient();

    const size = await headBlob(client.repository(server.host), digest, never);

    expect(size).toBe(7);
    expect(client.clock.sleeps).toEqual([125]); // half of 250 ms
  });

  it("gives up after the attempts allowed, with the last error", async () => {
    await using server = await startScript({ status: 502 });
    await using client = createTestClient({ limits: { attempts: 3 } });

    const thrown = await thrownBy(() => headBlob(client.repository(server.host), digest, never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", httpStatus: 502, retryable: true });
    expect(server.requests).toHaveLength(3);
    expect(client.clock.sleeps).toEqual([125, 250]);
  });

  it.each([400, 403, 404, 501])("does not try again after %i", async (status) => {
    await using server = await startScript({ status });
    await using client = createTestClient();

    await thrownBy(() => startUpload(client.repository(server.host, { side: "target" }), never));

    expect(server.requests).toHaveLength(1);
  });

  it("does not try a request again that its caller wants to judge itself", async () => {
    await using server = await startScript({ status: 503 });
    await using client = createTestClient();
    const repository = client.repository(server.host);
    const request = { method: "GET", target: { path: "x" }, accept: [200], retry: "once" } as const;

    const thrown = await thrownBy(() => repository.send(request, never));

    expect(thrown).toMatchObject({ httpStatus: 503, retryable: true });
    expect(server.requests).toHaveLength(1);
  });

  it("does not send a stream twice, whatever its caller allows", async () => {
    await using server = await startScript({ status: 503 });
    await using client = createTestClient();
    async function* stream() {
      yield content;
    }
    const body = { lengthBytes: content.byteLength, content: stream() };
    const repository = client.repository(server.host, { side: "target" });

    const thrown = await thrownBy(() =>
      repository.send({ method: "PUT", target: { path: "x" }, accept: [], body }, never),
    );

    expect(thrown).toMatchObject({ httpStatus: 503, retryable: true });
    expect(server.requests.filter(({ method }) => method === "PUT")).toHaveLength(1);
  });

  it("waits as long as Retry-After says", async () => {
    await using server = await startScript({ status: 429, headers: { "retry-after": "7" } }, { status: 200 });
    await using client = createTestClient();

    await headBlob(client.repository(server.host), digest, never);

    expect(client.clock.sleeps).toEqual([7_000]);
  });

  it("finds the time to wait in the body, where GHCR puts it", async () => {
    const body = "retry-after: 2.5s, allowed: 44000/minute";
    await using server = await startScript({ status: 429, body }, { status: 200 });
    await using client = createTestClient();

    await using _ = await getBlob(client.repository(server.host), { digest }, never);

    expect(client.clock.sleeps).toEqual([2_500]);
  });

  it.each(
    ["0", "Tue, 24 Nov 2020 12:00:00 GMT", "880.092µs"].flatMap((after) =>
      [429, 503].map((status) => [status, after] as const),
    ),
  )(
    "leaves a host alone for longer and longer that goes on answering %i with Retry-After: %s (dependabot/cli#380)",
    async (status, after) => {
      let isOpen = false;
      const headers = { "retry-after": Buffer.from(after).toString("latin1") };
      await using server = await startServer(() => (isOpen ? { status: 200 } : { status, headers }));
      await using client = createTestClient({ random: () => 0 });
      const look = () => headBlob(client.repository(server.host), digest, never);
      const sleepsOf = async (run: () => Promise<unknown>) => {
        const before = client.clock.sleeps.length;
        await run();
        return client.clock.sleeps.slice(before).filter((ms) => ms >= 1_000);
      };

      await thrownBy(look);
      const atFirst = server.requests.length;
      const waits: (readonly number[])[] = [];
      for (let round = 0; round < 5; round += 1) waits.push(await sleepsOf(() => thrownBy(look)));
      const later = server.requests.length - atFirst;
      isOpen = true;
      waits.push(await sleepsOf(look), await sleepsOf(look));

      expect(waits).toEqual([[10_000], [20_000], [40_000], [60_000], [60_000], [60_000], []]);
      expect([atFirst, later]).toEqual([5, 5]);
    },
  );

  it("throws a Retry-After that is too long to be waited for, to everybody who asks that host", async () => {
    await using server = await startScript({ status: 429, headers: { "retry-after": "3600" } });
    await using client = createTestClient();

    const first = await thrownBy(() => headBlob(client.repository(server.host), digest, never));
    const second = await thrownBy(() => headBlob(client.repository(server.host, { name: "other" }), digest, never));

    expect(first).toMatchObject({ code: "SOURCE_RATE_LIMITED", httpStatus: 429, retryAfterSeconds: 3_600 });
    expect(second).toMatchObject({ code: "SOURCE_RATE_LIMITED", retryable: true, retryAfterSeconds: 3_600 });
    expect(server.requests).toHaveLength(1);
    expect(client.clock.sleeps).toEqual([]);
  });

  it("shows the pause of a token service at the registry whose tokens wait for it", async () => {
    const headers = { "retry-after": "3600" };
    await using issuer = await startServer(() => ({ status: 429, headers }), { hostname: "localhost" });
    const challenge = `Bearer realm="${issuer.origin}/token",service="s"`;
    await using server = await startServer(() => ({ status: 401, headers: { "www-authenticate": challenge } }));
    await using client = createTestClient();

    await thrownBy(() => headBlob(client.repository(server.host), digest, never));

    const { pauses } = client.stateOf(server.host);
    expect(pauses).toMatchObject([{ requestClass: "token", reason: expect.stringContaining(issuer.host) }]);
    expect(pauses[0]?.until).toEqual(new Date(client.clock.now().getTime() + 3_600_000));
  });

  it("pauses reads after a 429 to a read, and lets writes pass", async () => {
    await using server = await startServer(({ method }) =>
      method === "HEAD"
        ? { status: 429, headers: { "retry-after": "100" } }
        : { status: 202, headers: { location: "/v2/up" } },
    );
    await using client = createTestClient();
    const repository = client.repository(server.host, { side: "target" });
    await thrownBy(() => headBlob(repository, digest, never));

    await startUpload(repository, never);

    expect(client.clock.sleeps).toEqual([]);
  });

  it("pauses the whole host after a 503", async () => {
    await using server = await startServer(({ method }) =>
      method === "HEAD"
        ? { status: 503, headers: { "retry-after": "100" } }
        : { status: 202, headers: { location: "/v2/up" } },
    );
    await using client = createTestClient();
    const repository = client.repository(server.host, { side: "target" });
    await thrownBy(() => headBlob(repository, digest, never));

    const thrown = await thrownBy(() => startUpload(repository, never));

    expect(thrown).toMatchObject({ code: "TARGET_RATE_LIMITED", retryAfterSeconds: 100 });
  });

  it("tries again when the connection breaks before an answer, and says why when it never comes", async () => {
    await using server = await startServer((_, { incoming }) => {
      incoming.socket.destroy();
      return undefined;
    });
    await using client = createTestClient({ limits: { attempts: 2 } });

    const thrown = await thrownBy(() => headBlob(client.repository(server.host), digest, never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true });
    expect(String(thrown)).toContain(`source ${server.host}: the connection broke`);
    expect(server.requests).toHaveLength(2);
  });

  it("says that nobody listens there", async () => {
    const server = await startServer(() => undefined);
    await server[Symbol.asyncDispose]();
    await using client = createTestClient({ limits: { attempts: 1 } });

    const thrown = await thrownBy(() => headBlob(client.repository(server.host), digest, never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true });
    expect(String(thrown)).toContain("the connection was refused");
  });

  it("says that a host does not speak TLS, and does not try again", async () => {
    await using server = await startServer(() => ({ status: 200 }));
    await using client = createTestClient();

    const thrown = await thrownBy(() => headBlob(client.repository(server.host, { insecure: false }), digest, never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: false });
    expect(String(thrown)).toContain("INSECURE_HOSTS, or have insecure: true in its entry in REGISTRIES");
    expect(client.clock.sleeps).toEqual([]);
  });
});

describe("cancellation", () => {
  it("throws the signal's reason while the answer is waited for", async () => {
    const aborter = new AbortController();
    await using server = await startServer(() => {
      aborter.abort(new Error("cancelled by the user"));
      return undefined;
    });
    await using client = createTestClient();

    const thrown = await thrownBy(() => headBlob(client.repository(server.host), digest, aborter.signal));

    expect(thrown).toBe(aborter.signal.reason);
  });

  it("throws the signal's reason from content that is being read", async () => {
    const aborter = new AbortController();
    await using server = await startServer((_, { outgoing }) => {
      outgoing.writeHead(200, { "content-length": "100" }).write("begins");
      return undefined;
    });
    await using client = createTestClient();
    await using blob = await getBlob(client.repository(server.host), { digest }, aborter.signal);

    const thrown = await thrownBy(async () => {
      for await (const _ of blob.content) aborter.abort(new Error("cancelled by the user"));
    });

    expect(thrown).toBe(aborter.signal.reason);
  });

  it("asks nothing when it is cancelled already", async () => {
    await using server = await startScript({ status: 200 });
    await using client = createTestClient();

    const thrown = await thrownBy(() => headBlob(client.repository(server.host), digest, AbortSignal.abort("why")));

    expect(thrown).toBe("why");
    expect(server.requests).toEqual([]);
  });
});

describe("limits", () => {
  it("keeps to the requests in flight that a host may see, also while bodies are read", async () => {
    await using server = await startServer(() => ({ status: 200, body: content }));
    await using client = createTestClient({ limits: { requestsPerHost: 2 } });
    const repository = client.repository(server.host);
    const first = await getBlob(repository, { digest }, never);
    await using _second = await getBlob(repository, { digest }, never);
    const third = getBlob(repository, { digest }, never);
    const aborter = new AbortController();
    const fourth = thrownBy(() => getBlob(repository, { digest }, aborter.signal));

    aborter.abort(new Error("cancelled in the queue"));
    const seenWhileFull = server.requests.length;
    await first[Symbol.asyncDispose]();
    await using _third = await third;

    expect(await fourth).toBe(aborter.signal.reason);
    expect(seenWhileFull).toBe(2);
    expect(server.requests).toHaveLength(3);
  });

  it("charges the budget once for each request of a download that goes on in one slot", async () => {
    await using server = await startServer(() => ({ status: 200, body: content }));
    await using client = createTestClient();
    const limits = { readsPerMinute: 10 };
    const repository = client.open({ ...client.access(server.host), limits }).repository("team/app", ["pull"]);
    const slot = await repository.acquireDownload(never);

    await (await getBlob(repository, { digest, slot }, never))[Symbol.asyncDispose]();
    const sleptForFirst = [...client.clock.sleeps];
    await (await getBlob(repository, { digest, slot }, never))[Symbol.asyncDispose]();
    slot.release();

    expect(sleptForFirst).toEqual([]);
    expect(client.clock.sleeps).toHaveLength(1);
  });

  it("frees the place of a request that failed", async () => {
    await using server = await startScript({ status: 403 });
    await using client = createTestClient({ limits: { requestsPerHost: 1 } });
    const repository = client.repository(server.host);

    const codes = [];
    for (let count = 0; count < 3; count += 1) codes.push(await thrownBy(() => headBlob(repository, digest, never)));

    expect(codes).toHaveLength(3);
    expect(server.requests.filter(({ method }) => method === "HEAD")).toHaveLength(3);
  });
});
