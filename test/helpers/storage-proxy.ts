import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import type { Azurite } from "./azurite.ts";

/** What happens to one request on its way. */
export type StorageFault =
  /** It never reaches storage. */
  | { readonly kind: "refuse"; readonly status: number }
  | { readonly kind: "reset" }
  /** It does, and its answer is lost: the sender sees a broken connection. */
  | { readonly kind: "loseAnswer" };

/** A real server before the tables or queues of an Azurite: breaks requests, and shifts the clock that storage shows. */
export interface StorageProxy extends AsyncDisposable {
  readonly connectionString: string;
  /** The next request that `matches` (default: any) meets the fault. */
  readonly breakNext: (fault: StorageFault, matches?: (method: string) => boolean) => void;
  /** Moves the `Date` of all answers on. */
  readonly advanceClock: (ms: number) => void;
}

const servers = {
  table: /(?<=TableEndpoint=)http:\/\/([\d.]+):(\d+)/,
  queue: /(?<=QueueEndpoint=)http:\/\/([\d.]+):(\d+)/,
} as const;

/** Stands before the tables (or queues) of `azurite`; reached by its own connection string. */
export async function startStorageProxy(
  azurite: Pick<Azurite, "connectionString">,
  service: keyof typeof servers = "table",
): Promise<StorageProxy> {
  const endpoint = servers[service];
  const [origin, hostname, port] = endpoint.exec(azurite.connectionString) ?? [];
  if (origin === undefined) throw new Error(`the connection string names no ${service} server`);
  const faults: { readonly fault: StorageFault; readonly matches: (method: string) => boolean }[] = [];
  let aheadMs = 0;

  const takeFault = (method: string): StorageFault | undefined => {
    const at = faults.findIndex(({ matches }) => matches(method));
    return at < 0 ? undefined : faults.splice(at, 1)[0]?.fault;
  };

  const server = createServer((incoming, answer) => {
    const fault = takeFault(incoming.method ?? "");
    if (fault?.kind === "reset") {
      incoming.socket.destroy();
      return;
    }
    if (fault?.kind === "refuse") {
      incoming.resume().once("end", () => answer.writeHead(fault.status).end());
      return;
    }
    forward(incoming, (response) => {
      if (fault?.kind === "loseAnswer") {
        response.resume().once("end", () => incoming.socket.destroy());
        return;
      }
      const date = new Date(Date.parse(response.headers.date ?? "") + aheadMs).toUTCString();
      answer.sendDate = false;
      answer.writeHead(response.statusCode ?? 500, { ...response.headers, date });
      response.pipe(answer);
    });
  });

  function forward(incoming: IncomingMessage, onResponse: (response: IncomingMessage) => void): void {
    const { method, url: path } = incoming;
    const headers = { ...incoming.headers, host: `${hostname}:${port}` };
    const outgoing = request({ hostname, port, path, method, headers });
    outgoing.once("response", onResponse).once("error", () => incoming.socket.destroy());
    incoming.pipe(outgoing);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    connectionString: azurite.connectionString.replace(endpoint, `http://127.0.0.1:${address.port}`),
    breakNext: (fault, matches = () => true) => {
      faults.push({ fault, matches });
    },
    advanceClock: (ms) => {
      aheadMs += ms;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
