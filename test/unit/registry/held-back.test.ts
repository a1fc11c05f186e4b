import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/digest.ts";
import { headBlob } from "../../../src/registry/blobs.ts";
import { getManifest, headManifest } from "../../../src/registry/manifests.ts";
import { cancelUpload } from "../../../src/registry/uploads.ts";
import { type Reply, startServer } from "../../helpers/http-server.ts";
import { createTestClient, type TestClient, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const digest = digestOf(Buffer.from("content"));
const busy: Reply = { status: 503 };
const broken: Reply = { status: 200, headers: { "content-length": "100", connection: "close" }, body: "{" };

/** How long requests to a host are held back, in ms, by what. */
function heldBack(client: TestClient, host: string): Readonly<Record<string, number>> {
  const { pauses } = client.stateOf(host);
  return Object.fromEntries(
    pauses.map(({ requestClass, until }) => [requestClass, until.getTime() - client.clock.now().getTime()]),
  );
}

describe("a call that gives up", () => {
  it("pauses nobody where others were answered meanwhile: one object may be all that is refused", async () => {
    await using server = await startServer(({ url }) => (url.includes(digest) ? busy : { status: 200 }));
    await using client = createTestClient({ random: () => 0 });
    const repository = client.repository(server.host);
    let isOver = false;

    const gaveUp = thrownBy(() => headBlob(repository, digest, never)).finally(() => {
      isOver = true;
    });
    while (!isOver) await headManifest(repository, "1", never);

    expect(await gaveUp).toMatchObject({ httpStatus: 503 });
    expect(heldBack(client, server.host)).toEqual({});
  });

  it("pauses all where the last answer is from before its first try", async () => {
    let answer: Reply = { status: 200 };
    await using server = await startServer(() => answer);
    await using client = createTestClient();
    const repository = client.repository(server.host);
    await headManifest(repository, "1", never);

    answer = busy;
    await thrownBy(() => headBlob(repository, digest, never));

    expect(heldBack(client, server.host)).toEqual({ all: 10_000 });
  });

  it("prolongs no pause where nobody needs its answer, as that of a cancelled upload", async () => {
    await using server = await startServer(() => busy);
    await using client = createTestClient({ random: () => 0 });
    const repository = client.repository(server.host, { side: "target", actions: ["pull", "push"] });
    await thrownBy(() => headBlob(repository, digest, never));
    const session = { location: `http://${server.host}/v2/team/app/blobs/uploads/1`, offsetBytes: 0 };

    const outcome = await cancelUpload(repository, session, never);

    expect(outcome).toEqual({ kind: "unanswered", isPassing: true });
    expect(heldBack(client, server.host)).toEqual({}); // it has waited for the end of the one that is on
  });
});

describe("a host that goes on refusing", () => {
  it.each<[string, Reply]>([
    ["that nobody may see that", { status: 403 }],
    ["that it fails", { status: 500 }],
    ["a page", { status: 200, headers: { "content-type": "text/html" }, body: "<html>" }],
  ])("is refusing no longer when it answers %s", async (_, answered) => {
    let answer = busy;
    await using server = await startServer(() => answer);
    await using client = createTestClient();
    const pull = () => thrownBy(() => getManifest(client.repository(server.host), digest, never));

    await pull();
    answer = answered;
    await pull();
    answer = busy;
    await pull();

    expect(heldBack(client, server.host)).toEqual({ all: 10_000 });
  });

  it("is refusing still when only the service for its tokens has answered", async () => {
    const token: Reply = { status: 200, body: JSON.stringify({ token: "t", expires_in: 60 }) };
    let issued = token;
    await using issuer = await startServer(() => issued, { hostname: "localhost" });
    const challenge = `Bearer realm="${issuer.origin}/token",service="s"`;
    await using server = await startServer(({ headers }) =>
      headers.authorization === undefined ? { status: 401, headers: { "www-authenticate": challenge } } : busy,
    );
    await using client = createTestClient();
    const look = () => thrownBy(() => headBlob(client.repository(server.host), digest, never));

    await look();
    issued = { status: 401 };
    client.clock.advance(120_000);
    const refused = await look();
    issued = token;
    client.clock.advance(120_000);
    await look();

    expect(refused).toMatchObject({ code: "SOURCE_UNAUTHORIZED" });
    expect(heldBack(client, server.host)).toEqual({ all: 20_000 });
  });
});

describe("a token service whose answer breaks off", () => {
  it("is asked again, and nothing else is held back for it", async () => {
    await using issuer = await startServer(() => broken, { hostname: "localhost" });
    const challenge = `Bearer realm="${issuer.origin}/token",service="s"`;
    await using server = await startServer(() => ({ status: 401, headers: { "www-authenticate": challenge } }));
    await using client = createTestClient({ limits: { attempts: 3 } });

    const thrown = await thrownBy(() => headBlob(client.repository(server.host), digest, never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true });
    expect(issuer.requests).toHaveLength(3);
    expect(server.requests).toHaveLength(1);
    expect(heldBack(client, server.host)).toEqual({ token: 500 });
  });
});

describe("storage whose answer breaks off", () => {
  it("holds nobody back at the registry that has led there", async () => {
    await using storage = await startServer(() => broken);
    await using server = await startServer(() => ({ status: 307, headers: { location: `${storage.origin}/object` } }));
    await using client = createTestClient();

    const thrown = await thrownBy(() => getManifest(client.repository(server.host), "1", never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true });
    expect(storage.requests).toHaveLength(5);
    expect(heldBack(client, server.host)).toEqual({});
  });

  it("does so where it is the registry's own", async () => {
    await using server = await startServer(() => broken);
    await using client = createTestClient({ limits: { attempts: 1 } });

    await thrownBy(() => getManifest(client.repository(server.host), "1", never));

    expect(heldBack(client, server.host)).toEqual({ all: 125 });
  });
});
