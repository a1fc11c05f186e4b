import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { TableClient, TableServiceClient } from "@azure/data-tables";
import { QueueServiceClient } from "@azure/storage-queue";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Azurite, startAzurite } from "../helpers/azurite.ts";
import { image } from "../helpers/images.ts";
import type { TestRegistry } from "../helpers/registry.ts";
import type { Service } from "../helpers/service.ts";
import { expectImage, openWorld, type World } from "./world.ts";

/** Where a password that came with a request, and the tokens it is exchanged for, can be found: nowhere. */

const username = "puller-of-secrets";
const password = "hunter2-Correct.Horse/Battery+Staple=";
const users = { [username]: password };
const credentials = { username, password };

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

/** Every row of every table and every message of every queue. */
async function dumpStorage(connectionString: string): Promise<string> {
  const pieces: string[] = [];
  const insecure = { allowInsecureConnection: true };
  for await (const { name = "" } of TableServiceClient.fromConnectionString(connectionString, insecure).listTables())
    for await (const row of TableClient.fromConnectionString(connectionString, name, insecure).listEntities())
      pieces.push(name, ...Object.entries(row).map(([column, value]) => `${column}=${textOf(value)}`));
  const queues = QueueServiceClient.fromConnectionString(connectionString);
  for await (const { name } of queues.listQueues()) {
    const { peekedMessageItems } = await queues.getQueueClient(name).peekMessages({ numberOfMessages: 32 });
    pieces.push(name, ...peekedMessageItems.map(({ messageText }) => messageText));
  }
  return pieces.join("\n");
}

/** Bytes as they are, so that text in them shows. */
function textOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value);
}

/** All files below a folder. */
async function dumpDirectory(directory: string): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = await Promise.all(
    files.map(async (entry) => `${entry.name}\n${await readFile(join(entry.parentPath, entry.name), "latin1")}`),
  );
  return texts.join("\n");
}

/** The password in the forms that it travels in, and every token that the registry was shown. */
function secretsOf(source: TestRegistry): readonly string[] {
  const basic = Buffer.from(`${username}:${password}`).toString("base64");
  const shown = source.requests.flatMap(({ headers }) => headers.authorization?.split(" ").slice(1) ?? []);
  return [
    ...new Set([password, encodeURIComponent(password), Buffer.from(password).toString("base64"), basic, ...shown]),
  ];
}

async function expectNoTrace(world: World, service: Service): Promise<void> {
  const places = {
    storage: await dumpStorage(azurite.connectionString),
    "state directory": await dumpDirectory(world.directory),
    output: service.output(),
    answers: service.answers.join("\n"),
  };
  const secrets = secretsOf(world.source);
  for (const [place, text] of Object.entries(places)) {
    const found = secrets.filter((secret) => text.includes(secret)).length;
    expect(found, `secrets in ${place}`).toBe(0);
  }
  expect(places["state directory"]).toContain("copyAndFinish"); // the journal was among what was looked at
  expect(places.storage).toContain(world.source.host);
}

describe.each(["basic", "bearer"] as const)("credentials for a source with %s authentication", (kind) => {
  /** Each with layers of its own: a blob that two imports want travels once. */
  const imageOf = (repository: string) => image({ layers: [60_000, 500], seed: `${repository} ${kind}` });
  const auth = kind === "basic" ? { kind, users } : ({ kind, users, endpoint: "own-port" } as const);

  const requestOf = ({ source }: World, sourceImage: string) => ({
    source: { registryUri: source.host, sourceImage, credentials },
  });

  it("are sealed while an import runs and gone when it has succeeded, failed or was cancelled", async () => {
    await using world = await openWorld(azurite, { source: { auth } });
    const { source, target } = world;
    for (const repository of ["secret/succeeds", "secret/fails", "secret/cancelled"])
      await source.seedImage(repository, "1", imageOf(repository));
    const held = (repository: string) => {
      const [, layer] = imageOf(repository).blobs;
      if (layer === undefined) throw new Error("the image lacks a layer");
      return source.hold({ kind: "blob-get", repository, digest: layer.descriptor.digest }, { sentBytes: 9 });
    };
    const [succeeding, cancelled] = [held("secret/succeeds"), held("secret/cancelled")];
    target.failNext({ kind: "upload-put", repository: "secret/fails" }, 403, "DENIED");
    const service = await world.start();
    const [one, two, three] = await Promise.all(
      ["secret/succeeds:1", "secret/fails:1", "secret/cancelled:1"].map((name) =>
        service.startImport(requestOf(world, name)),
      ),
    );
    if (one === undefined || two === undefined || three === undefined) throw new Error("an import is missing");
    await Promise.all([succeeding.reached, cancelled.reached, service.waitForEnd(two.id)]);

    const sealed = await world.rows("Secrets");
    await expectNoTrace(world, service);
    await service.cancel(three.id);
    succeeding.release();
    cancelled.release();
    const states = await Promise.all([one, two, three].map(async ({ id }) => (await service.waitForEnd(id)).state));

    expect(sealed.map(({ partitionKey }) => partitionKey).toSorted()).toEqual([one.id, three.id].toSorted());
    expect(states).toEqual(["Succeeded", "Failed", "Cancelled"]);
    await expect.poll(() => world.rows("Secrets"), { timeout: 10_000 }).toEqual([]); // the end is told first
    await service.request("GET", "/api/imports");
    await service.request(
      "GET",
      `/runtime/webhooks/durabletask/instances/${one.id}-1?showHistory=true&showHistoryOutput=true`,
    );
    await expectNoTrace(world, service);
    await expectImage(target, "secret/succeeds", imageOf("secret/succeeds"), "1");
    if (kind === "bearer") expect(source.tokenRequests.map(({ user }) => user)).toContain(username);
  });
});

describe("credentials that are refused", () => {
  it("end the import and are in no trace of it", async () => {
    await using world = await openWorld(azurite, {
      source: { auth: { kind: "bearer", users: { [username]: "other" } } },
    });
    const service = await world.start();

    const record = await service.importAndWait({
      source: { registryUri: world.source.host, sourceImage: "secret/app:1", credentials },
    });

    expect(record).toMatchObject({ state: "Failed", error: { code: "SOURCE_UNAUTHORIZED", side: "source" } });
    expect(await world.rows("Secrets")).toEqual([]);
    const traces = [
      await dumpStorage(azurite.connectionString),
      await dumpDirectory(world.directory),
      service.output(),
      ...service.answers,
    ].join("\n");
    for (const secret of secretsOf(world.source)) expect(traces.includes(secret)).toBe(false);
  });

  it("are not repeated when the request itself is refused", async () => {
    await using world = await openWorld(azurite);
    const service = await world.start();

    const refused = await service.post({
      source: { registryUri: world.source.host, sourceImage: "secret/app:1", credentials, extra: true },
    });
    const notJson = await service.request("POST", "/api/imports", `{"password":"${password}"`);

    expect([refused.status, notJson.status]).toEqual([400, 400]);
    for (const text of [refused.text, notJson.text, service.output()]) expect(text).not.toContain(password);
  });

  it("must be repeated for a retry, which then succeeds with them", async () => {
    await using world = await openWorld(azurite, { source: { auth: { kind: "basic", users } } });
    const { source, target } = world;
    const pushed = image({ seed: "secret retry" });
    await source.seedImage("secret/retry", "1", pushed);
    const service = await world.start();
    const wrong = { username, password: "not it" };
    const { id } = await service.importAndWait({
      source: { registryUri: source.host, sourceImage: "secret/retry:1", credentials: wrong },
    });

    const without = await service.request("POST", `/api/imports/${id}/retry`);
    await service.retry(id, { source: { credentials } });
    const record = await service.waitForEnd(id);

    expect(without.status).toBe(409);
    expect(JSON.parse(without.text)).toMatchObject({ code: "CREDENTIALS_REQUIRED" });
    expect(record).toMatchObject({ state: "Succeeded", attempt: 2 });
    await expectImage(target, "secret/retry", pushed, "1");
    await expect.poll(() => world.rows("Secrets"), { timeout: 10_000 }).toEqual([]);
  });
});
