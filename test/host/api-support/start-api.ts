import { TableClient, TableServiceClient } from "@azure/data-tables";
import { expect } from "vitest";
import { type ImportView, importViewSchema } from "../../../src/domain/import-view.ts";
import { problemSchema } from "../../../src/domain/problem-view.ts";
import { type DrayageOptions, projectDirectory, startDrayage } from "../../../src/local/drayage.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";

/** The built app on the embedded host, between two registries. One per test file: a process can hold one. */
export interface Api extends AsyncDisposable {
  readonly url: string;
  /** Connection string of its tables. */
  readonly storage: string;
  readonly source: TestRegistry;
  readonly target: TestRegistry;
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Promise<Response>;
  /** A text goes as it is. */
  readonly post: (path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => Promise<Response>;
  readonly delete: (path: string) => Promise<Response>;
  /** Starts an import and waits for its end. */
  readonly importAndWait: (request: object) => Promise<ImportView>;
  /** The import, once it is in one of these states. */
  readonly untilState: (id: string, ...states: readonly ImportView["state"][]) => Promise<ImportView>;
  /** Row keys by table, of all tables that there are. */
  readonly rows: () => Promise<Readonly<Record<string, readonly string[]>>>;
}

export async function startApi(options: Partial<DrayageOptions> = {}): Promise<Api> {
  const source = await startRegistry();
  const target = await startRegistry();
  const hosts = `${source.host},${target.host}`;
  const drayage = await startDrayage({
    port: 0,
    state: { kind: "memory" },
    keys: undefined,
    appDirectory: projectDirectory,
    log: () => {},
    ...options,
    settings: {
      ...{ INSECURE_HOSTS: hosts, ALLOW_PRIVATE_HOSTS: hosts },
      ...{ ALLOWED_SOURCES: source.host, ALLOWED_TARGETS: target.host, DEFAULT_TARGET: target.host },
      ...options.settings,
    },
  });
  const send = (method: string, path: string, init: RequestInit = {}) =>
    fetch(`${drayage.url}${path}`, { method, ...init });
  const api: Api = {
    url: drayage.url,
    storage: drayage.storage,
    source,
    target,
    get: (path, headers = {}) => send("GET", path, { headers }),
    post: (path, body, headers = {}) =>
      send("POST", path, {
        headers: { "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    delete: (path) => send("DELETE", path),
    importAndWait: async (request) => {
      const record = await readImport(await api.post("/api/imports?wait=100", request));
      return await api.untilState(record.id, "Succeeded", "Skipped", "Failed", "Cancelled");
    },
    untilState: async (id, ...states) => {
      for (const deadline = AbortSignal.timeout(30_000); ; ) {
        const record = await readImport(await api.get(`/api/imports/${id}`));
        if (states.includes(record.state)) return record;
        if (deadline.aborted) throw new Error(`import ${id} stays ${record.state}, not ${states.join(" or ")}`);
      }
    },
    rows: async () => {
      const connection = { allowInsecureConnection: true };
      const service = TableServiceClient.fromConnectionString(drayage.storage, connection);
      const found: Record<string, string[]> = {};
      for await (const { name = "" } of service.listTables()) {
        const keys: string[] = [];
        const table = TableClient.fromConnectionString(drayage.storage, name, connection);
        for await (const { partitionKey, rowKey } of table.listEntities()) keys.push(`${partitionKey} ${rowKey}`);
        if (keys.length > 0) found[name] = keys.sort(); // a timer may open a table at any time
      }
      return found;
    },
    [Symbol.asyncDispose]: async () => {
      await drayage.close();
      await Promise.all([source.close(), target.close()]);
    },
  };
  return api;
}

/** The import in an answer, which must be what the OpenAPI document says. */
export async function readImport(response: Response): Promise<ImportView> {
  const body: unknown = await response.json();
  expect(response.headers.get("content-type"), JSON.stringify(body)).toBe("application/json");
  return importViewSchema.parse(body);
}

/** The problem in an answer, which must be what the OpenAPI document says. */
export async function readProblem(response: Response) {
  const body: unknown = await response.json();
  expect(response.headers.get("content-type"), JSON.stringify(body)).toBe("application/problem+json");
  const problem = problemSchema.parse(body);
  expect(problem.status).toBe(response.status);
  return problem;
}
