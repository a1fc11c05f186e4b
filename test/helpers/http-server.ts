import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** A request as a test server saw it. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
}

/** Answers a request whose body has come, or takes the raw pair and returns nothing. */
export type Responder = (
  request: SeenRequest,
  raw: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse },
) => Reply | undefined | Promise<Reply | undefined>;

export interface TestServer extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  readonly origin: string;
  readonly requests: readonly SeenRequest[];
}

export interface TestServerOptions {
  /** Hand the request over before its body has come. */
  readonly readsBody?: boolean;
  /** Name in the URLs; loopback under another name is another host to a client. */
  readonly hostname?: "127.0.0.1" | "localhost";
}

/** An http server for answers that no well-behaved registry gives. */
export async function startServer(respond: Responder, options: TestServerOptions = {}): Promise<TestServer> {
  const { readsBody = true, hostname = "127.0.0.1" } = options;
  const requests: SeenRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    incoming.on("error", () => undefined); // clients of these tests break connections on purpose
    outgoing.on("error", () => undefined);
    void answer(incoming, outgoing);
  });
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = "", url = "", headers } = incoming;
    const request = { method, url, headers, body: readsBody ? await readBody(incoming) : Buffer.alloc(0) };
    requests.push(request);
    const reply = await respond(request, { incoming, outgoing });
    if (reply === undefined) return;
    for (const [name, value] of Object.entries(reply.headers ?? {})) outgoing.setHeader(name, value);
    outgoing.writeHead(reply.status).end(reply.body);
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  const host = `${hostname}:${address.port}`;
  return {
    host,
    origin: `http://${host}`,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A server that gives its replies one after another, the last one for ever. */
export function startScript(...replies: readonly Reply[]): Promise<TestServer> {
  let at = 0;
  return startServer(() => replies[Math.min(at++, replies.length - 1)]);
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
  } catch {
    // broken off: what came is what the test sees
  }
  return Buffer.concat(chunks);
}
