import { createServer, type IncomingMessage, type Server } from "node:http";
import { text } from "node:stream/consumers";

export interface SeenRequest {
  readonly method: string;
  /** Path with query. */
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A service whose answers the test writes; it remembers what it was asked. */
export async function startFakeApi(answer: (request: SeenRequest, count: number) => FakeAnswer | Promise<FakeAnswer>) {
  const seen: SeenRequest[] = [];
  const listen = (port: number) =>
    new Promise<Server>((resolve) => {
      const created = createServer(async (request, response) => {
        const raw = await text(request);
        const { method = "", url = "", headers } = request;
        const call = { method, url, headers, body: raw === "" ? undefined : JSON.parse(raw) };
        seen.push(call);
        const { status = 200, body, headers: more } = await answer(call, seen.length);
        response.writeHead(status, { "content-type": "application/json", ...more });
        response.end(body === undefined ? undefined : JSON.stringify(body));
      });
      created.listen(port, "127.0.0.1", () => resolve(created));
    });
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  let server = await listen(0);
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    seen,
    /** What was asked, as `METHOD /path`. */
    calls: () => seen.map(({ method, url }) => `${method} ${url}`),
    stop,
    restart: async () => {
      server = await listen(port);
    },
    [Symbol.asyncDispose]: stop,
  };
}

export const importId = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/** An import record as the API answers it. */
export function aRecord(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: importId,
    state: "Copying",
    trigger: { kind: "http" },
    labels: {},
    source: {
      registry: "docker.io",
      repository: "library/alpine",
      reference: "3.20",
      digest: `sha256:${"a".repeat(64)}`,
    },
    target: {
      registry: "prod.example",
      tags: ["alpine:3.20"],
      untaggedRepositories: [],
      digest: `sha256:${"a".repeat(64)}`,
    },
    progress: {
      manifests: { total: 4, done: 1 },
      blobs: { total: 6, done: 2 },
      bytes: { total: 100 * 1024 * 1024, copied: 20 * 1024 * 1024, mounted: 5 * 1024 * 1024, skipped: 0 },
      bytesPerSecond: 10 * 1024 * 1024,
      etaSeconds: 8,
    },
    conflict: "fail",
    sparseIndex: false,
    verify: "manifest",
    foreignLayers: "auto",
    timeoutSeconds: 86_400,
    attempt: 1,
    createdAt: "2026-01-31T08:00:00.000Z",
    startedAt: "2026-01-31T08:00:01.000Z",
    timeline: [],
    warnings: [],
    links: {
      self: `http://127.0.0.1/api/imports/${importId}`,
      parts: `http://127.0.0.1/api/imports/${importId}/parts`,
      cancel: `http://127.0.0.1/api/imports/${importId}/cancel`,
      retry: `http://127.0.0.1/api/imports/${importId}/retry`,
    },
    ...changes,
  };
}

export const ended = { finishedAt: "2026-01-31T08:00:05.200Z" };

/** An import that failed at the source. */
export function aFailure(error: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const hint = "check source.credentials";
  return aRecord({
    ...ended,
    state: "Failed",
    error: {
      code: "SOURCE_UNAUTHORIZED",
      message: `source docker.io: pull of library/alpine refused (401); ${hint}`,
      side: "source",
      httpStatus: 401,
      upstream: [{ code: "UNAUTHORIZED", message: "authentication required" }],
      retryable: false,
      hint,
      ...error,
    },
  });
}

/** A problem answer (RFC 9457) of the service. */
export function aProblem(status: number, code: string, more: Readonly<Record<string, unknown>> = {}): FakeAnswer {
  const body = { type: `urn:drayage:error:${code}`, title: "Refused", status, code, detail: `no: ${code}`, ...more };
  return { status, headers: { "content-type": "application/problem+json" }, body };
}
