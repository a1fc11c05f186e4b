import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Answer, type Call, type Handle, parseRoute, Refusal, refusal } from "./call.ts";

export interface HttpServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Serves `handle` on 127.0.0.1; port 0 lets the system choose. Closing destroys open connections. */
export async function serve(handle: Handle, port: number): Promise<HttpServer> {
  const connections = new Map<Socket, number>();
  let connectionCount = 0;
  const server = createServer((request, response) => {
    const connection = connections.get(request.socket) ?? 0;
    serveOne(handle, { request, response, connection }).catch(() => response.destroy());
  });
  server.on("connection", (socket) => {
    connectionCount += 1;
    connections.set(socket, connectionCount);
    socket.setNoDelay(true);
    socket.once("close", () => connections.delete(socket));
  });
  server.requestTimeout = 0; // a slow upload of a large blob may take hours
  server.keepAliveTimeout = 60_000;
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    port: address.port,
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: number;
}

async function serveOne(handle: Handle, { request, response, connection }: Exchange): Promise<void> {
  const closing = new AbortController();
  response.once("close", () => closing.abort(new Error("the connection is closed")));
  const call = toCall(request, connection, closing.signal);
  if (call === undefined) {
    await send(
      refusal(400, "NAME_INVALID", "the path is not valid"),
      { request, response, connection },
      closing.signal,
    );
    return;
  }
  let result: Answer;
  try {
    result = await handle(call);
  } catch (thrown) {
    if (closing.signal.aborted) return; // the client went away in the middle: nobody to tell
    result = thrown instanceof Refusal ? thrown.answer : refusal(500, "UNKNOWN", describe(thrown));
  }
  await send(result, { request, response, connection }, closing.signal);
}

function toCall(request: IncomingMessage, connection: number, closed: AbortSignal): Call | undefined {
  try {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const path = decodeURIComponent(url.pathname);
    return {
      method: request.method ?? "GET",
      path,
      query: url.searchParams,
      headers: request.headers,
      route: parseRoute(path),
      content: readBody(request),
      connection,
      closed,
    };
  } catch {
    return undefined; // not a URL, or badly escaped
  }
}

/** Stopping to read leaves the connection open, so that an early answer still reaches the client. */
async function* readBody(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  yield* request.iterator({ destroyOnReturn: false });
}

async function send(result: Answer, { request, response }: Exchange, closed: AbortSignal): Promise<void> {
  if (result.kind === "hang-up") {
    response.destroy();
    return;
  }
  const { status, headers, body } = result;
  const lengthHeader = body instanceof Uint8Array ? { "content-length": String(body.byteLength) } : {};
  response.writeHead(status, { ...lengthHeader, ...headers });
  if (body === undefined || request.method === "HEAD") response.end();
  else if (body instanceof Uint8Array) response.end(body);
  else await stream(body, response, closed);
  request.resume(); // what was not read of the request is thrown away, so that the connection can be used again
}

async function stream(body: AsyncIterable<Uint8Array>, response: ServerResponse, closed: AbortSignal): Promise<void> {
  try {
    for await (const chunk of body) {
      if (closed.aborted) return;
      if (!response.write(chunk)) await once(response, "drain", { signal: closed });
    }
    response.end();
  } catch {
    response.socket?.destroySoon(); // what was written still leaves; then the client sees that the body is not complete
  }
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : "something that is no error was thrown";
}
