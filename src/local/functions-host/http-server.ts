import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { refuseForeign } from "./foreign-page.ts";

/** Bodies above this are refused with 413, as by the genuine host (FUNCTIONS_REQUEST_BODY_SIZE_LIMIT, 100 MiB). */
export const maxBodyBytes = 100 * 1024 * 1024;

/** A request whose body has been read. */
export interface HostRequest {
  readonly method: string;
  /** As the client sees it: scheme, `Host` header, path and query, not decoded. */
  readonly url: string;
  readonly pathname: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface HostAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
}

/** Answers a request; a rejection becomes an empty 500. */
export type RequestHandler = (request: HostRequest) => Promise<HostAnswer> | HostAnswer;

export interface HttpServerDeps {
  readonly handle: RequestHandler;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

export interface HttpServer {
  readonly port: number;
  /** Stops listening, lets running requests end for `graceMs`, then cuts them off. */
  readonly close: (graceMs: number) => Promise<void>;
}

/** Listens on loopback only. `port` 0 lets the system choose. */
export async function startHttpServer(port: number, { handle, log }: HttpServerDeps): Promise<HttpServer> {
  let isClosing = false;
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const answer = async (asked: HostRequest) => {
      const given = await handle(asked);
      if (isClosing) response.setHeader("connection", "close"); // else close() would wait for the idle connection
      return given;
    };
    serve(request, response, answer).catch((thrown: unknown) => {
      log("http.failed", { path: pathOf(request), error: messageOf(thrown) });
      if (response.headersSent) response.destroy();
      else send(response, { status: 500 });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve());
  });
  return {
    port: portOf(server.address()),
    close: (graceMs) =>
      new Promise<void>((resolve) => {
        isClosing = true;
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

/** A JSON answer in the host's own form. */
export function jsonAnswer(status: number, value: unknown, headers: Record<string, string> = {}): HostAnswer {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
    body: JSON.stringify(value),
  };
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

async function serve(request: IncomingMessage, response: ServerResponse, handle: RequestHandler): Promise<void> {
  const refusal = refuseForeign(request);
  if (refusal !== undefined) {
    send(response, { ...refusal, headers: { connection: "close", "content-type": "text/plain" } });
    return;
  }
  const body = await readBody(request);
  if (body === "aborted") return; // nobody is left to answer
  if (body === "too-large") {
    send(response, { status: 413, headers: { connection: "close" } });
    return;
  }
  // A client that leaves now does not stop its function: the genuine host tells a Node worker nothing either.
  const answer = await handle(toHostRequest(request, body));
  if (!response.destroyed) send(response, answer);
}

async function readBody(request: IncomingMessage): Promise<Uint8Array | "aborted" | "too-large"> {
  if (Number(request.headers["content-length"] ?? 0) > maxBodyBytes) return "too-large";
  const chunks: Uint8Array[] = [];
  let seenBytes = 0;
  try {
    for await (const chunk of request) {
      seenBytes += chunk.byteLength;
      if (seenBytes > maxBodyBytes) return "too-large";
      chunks.push(chunk);
    }
  } catch (thrown) {
    if (request.errored) return "aborted";
    throw thrown;
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

function toHostRequest(request: IncomingMessage, body: Uint8Array): HostRequest {
  const target = request.url ?? "/";
  const queryAt = target.indexOf("?");
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return {
    method: request.method ?? "GET",
    url: `http://${headers.host ?? "127.0.0.1"}${target}`,
    pathname: queryAt < 0 ? target : target.slice(0, queryAt),
    query: new URLSearchParams(queryAt < 0 ? "" : target.slice(queryAt + 1)),
    headers,
    body,
  };
}

function send(response: ServerResponse, { status, headers = {}, body = "" }: HostAnswer): void {
  for (const [name, value] of Object.entries(headers)) {
    if (name !== "content-length" && name !== "transfer-encoding") response.setHeader(name, value);
  }
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  if (mayHaveBody(status)) response.setHeader("content-length", bytes.byteLength);
  response.writeHead(status);
  response.end(bytes);
}

function mayHaveBody(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 304;
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?", 1)[0] ?? "";
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}
