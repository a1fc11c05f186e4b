import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { createTableAccess, type TableAccess } from "../../src/store/storage-client.ts";

/** A running Azurite with nothing in it, in memory, on ports that the system chose. */
export interface Azurite extends AsyncDisposable {
  readonly connectionString: string;
  readonly tableEndpoint: string;
}

/** Azurite's published account: every installation has this key. */
const account = "devstoreaccount1";
const accountKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const startDeadlineMs = 30_000;

/** Starts all three services; takes about two seconds, so once per test file (`beforeAll`) and a prefix per test. */
export async function startAzurite(): Promise<Azurite> {
  const script = createRequire(import.meta.url).resolve("azurite/dist/src/azurite.js");
  const args = ["--blobPort", "0", "--queuePort", "0", "--tablePort", "0"];
  const flags = ["--inMemoryPersistence", "--silent", "--skipApiVersionCheck", "--disableTelemetry"];
  const child = spawn(process.execPath, [script, ...args, ...flags], {
    cwd: tmpdir(), // it looks for its files there, though it keeps none
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill); // a test run that is broken off leaves no server behind
  try {
    const [blob, queue, table] = await readEndpoints(child);
    return {
      tableEndpoint: table,
      connectionString: connectionString({ blob, queue, table }),
      [Symbol.asyncDispose]: async () => {
        process.off("exit", kill);
        const exited = once(child, "exit");
        kill(); // in memory: there is nothing to be saved
        await exited;
      },
    };
  } catch (thrown) {
    kill();
    throw thrown;
  }
}

/** The connection string of a server that speaks for Azurite's account, e.g. a proxy before its tables. */
export function connectionString(endpoints: Readonly<Record<string, string>>): string {
  const named = Object.entries(endpoints).map(
    ([service, url]) => `${service.slice(0, 1).toUpperCase()}${service.slice(1)}Endpoint=${url}/${account};`,
  );
  return `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};${named.join("")}`;
}

/** Letters and digits that no other test has: names of tables begin with them. */
export function uniquePrefix(): string {
  return `t${randomBytes(6).toString("hex")}`;
}

/** Tables of its own for one test. */
export function openTables({ connectionString }: Pick<Azurite, "connectionString">): TableAccess {
  return createTableAccess({ storage: { connectionString }, tablePrefix: uniquePrefix() });
}

async function readEndpoints(child: ChildProcess): Promise<[string, string, string]> {
  if (!child.stdout) throw new Error("Azurite has no output to read its ports from");
  const lines = createInterface({ input: child.stdout });
  const deadline = setTimeout(() => child.kill("SIGKILL"), startDeadlineMs);
  const found = new Map<string, string>();
  try {
    for await (const line of lines) {
      const [, service, url] = /Azurite (Blob|Queue|Table) service is successfully listening at (\S+)/.exec(line) ?? [];
      if (service && url) found.set(service, url);
      const [blob, queue, table] = [found.get("Blob"), found.get("Queue"), found.get("Table")];
      if (blob && queue && table) return [blob, queue, table];
    }
  } finally {
    clearTimeout(deadline);
    child.stdout.resume(); // a full pipe would stop the server
  }
  throw new Error(`Azurite did not start within ${startDeadlineMs / 1000} s`);
}
