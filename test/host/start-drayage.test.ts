import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { QueueServiceClient } from "@azure/storage-queue";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { readOrCreateSecretsKey } from "../../src/local/secrets-key.ts";

const startScript = fileURLToPath(new URL("../../src/local/start.ts", import.meta.url));
const appDirectory = fileURLToPath(new URL("fixture-app/", import.meta.url));
const startedSchema = z.strictObject({ url: z.string(), storage: z.string(), pid: z.int() });

let directory: string;
let children: ChildProcess[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "start-drayage-"));
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

/** Runs `npm start` for the fixture app, in a process that a test may kill. */
async function start(...flags: string[]) {
  const args = [startScript, "--app", appDirectory, "--port", "0", "--json", "--state", directory, ...flags];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, FixtureQueue: "fixture" },
  });
  children.push(child);
  const exited = once(child, "exit");
  child.stderr.setEncoding("utf8");
  let complaints = "";
  child.stderr.on("data", (text: string) => {
    complaints += text;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { url, storage } = startedSchema.parse(JSON.parse(line));
    return { child, exited, url, storage, storageSocket: await connectTo(storage) };
  }
  throw new Error(`it ended before it was ready: ${complaints}`);
}

/** A connection to the queue service: it closes when the service's process ends. */
async function connectTo(storage: string): Promise<Socket> {
  const [, port] = /QueueEndpoint=http:\/\/127\.0\.0\.1:(\d+)/.exec(storage) ?? [];
  const socket = connect(Number(port), "127.0.0.1");
  socket.on("error", () => {}); // reset when the process is killed
  await once(socket, "connect");
  return socket;
}

async function ended(url: string, instanceId: string): Promise<unknown> {
  for (;;) {
    const response = await fetch(`${url}/durabletask/instances/${instanceId}`);
    const status: unknown = await response.json();
    if (response.status === 200) return status;
  }
}

const post = (url: string, body: unknown = {}) =>
  fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

describe("npm start", () => {
  it("resumes instances and keeps the storage after the process was killed", async () => {
    const first = await start();
    await post(`${first.url}/api/client/startNew/waiting`, { name: "event" });
    const queue = QueueServiceClient.fromConnectionString(first.storage).getQueueClient("kept");
    await queue.create();
    const storageEnded = once(first.storageSocket, "close");
    first.child.kill("SIGKILL");
    await storageEnded; // no Azurite outlives its host

    const second = await start();
    await post(`${second.url}/durabletask/instances/waiting/raiseEvent/go`, { ok: true });

    expect(await ended(second.url, "waiting")).toMatchObject({ runtimeStatus: "Completed", output: { ok: true } });
    const kept = QueueServiceClient.fromConnectionString(second.storage).getQueueClient("kept");
    expect(await kept.exists()).toBe(true);
  });

  it("stops in order on SIGTERM, with exit code 0 and without its Azurite", async () => {
    const running = await start("--memory");
    const storageEnded = once(running.storageSocket, "close");

    running.child.kill("SIGTERM");

    expect(await running.exited).toEqual([0, null]);
    await storageEnded;
  });

  it("runs an orchestration that a function of the app starts", async () => {
    const { url } = await start("--memory");

    await post(`${url}/api/client/startNew/five`, { name: "fan5" });

    const output = [0, 1, 2, 3, 4].map((i) => ({ i }));
    expect(await ended(url, "five")).toMatchObject({ runtimeStatus: "Completed", output });
  });

  it("names a port that is taken", async () => {
    const { url } = await start("--memory");

    await expect(start("--memory", "--port", new URL(url).port)).rejects.toThrow(/port \d+ is taken/);
  });
});

describe("the key of stored secrets", () => {
  it("is made once, for its owner only", async () => {
    const file = join(directory, "made", "secrets.key");

    const made = await readOrCreateSecretsKey(file);
    const read = await readOrCreateSecretsKey(file);

    expect(read).toBe(made);
    expect(Buffer.from(made, "base64")).toHaveLength(32);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("is never replaced", async () => {
    const file = join(directory, "secrets.key");
    await writeFile(file, "mine\n");

    expect(await readOrCreateSecretsKey(file)).toBe("mine");
    expect(await readFile(file, "utf8")).toBe("mine\n");
  });
});
