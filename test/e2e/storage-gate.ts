import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";

/** Which request to the tables: `POST` inserts, `PUT` replaces, `PATCH` merges, `GET` reads, `DELETE` deletes. */
export interface GateMatch {
  readonly method: string;
  readonly table: string;
  /** Of these requests the n-th, from 1. Default 1. */
  readonly nth?: number;
  /** Found in the request's body. */
  readonly body?: string;
}

export interface Gate {
  /** Resolves when the request has come to the point; it goes no further. */
  readonly reached: Promise<void>;
}

/** A server before the tables of an Azurite: stops chosen requests for good, so that the service can be killed there. */
export interface StorageGate extends AsyncDisposable {
  readonly connectionString: string;
  /** `before`: storage never sees the request. `after`: it does, and nobody learns what it answered. */
  readonly stop: (point: "before" | "after", match: GateMatch) => Gate;
  /** Answers such requests with this status, the next one or, until the returned function is called, all of them. */
  readonly refuse: (match: GateMatch, status: number, times?: "once" | "always") => () => void;
}

interface Stop extends GateMatch {
  readonly point: "before" | "after";
  readonly reach: () => void;
  seen: number;
}

const tableServer = /(?<=TableEndpoint=)http:\/\/([\d.]+):(\d+)/;
const deadlineMs = 30_000;

/** `connectionString`: of the Azurite behind the gate. `tablePrefix`: as the service has it. */
export async function startStorageGate(connectionString: string, tablePrefix: string): Promise<StorageGate> {
  const [, hostname = "", port = ""] = tableServer.exec(connectionString) ?? [];
  let stops: readonly Stop[] = [];

  const fits = ({ method, table, body = "" }: GateMatch, incoming: IncomingMessage, text: string): boolean => {
    const { url: path = "" } = incoming;
    const place = path.endsWith("/$batch") ? text : path; // a batch names its tables inside
    const isTable = new RegExp(`/${tablePrefix}${table}\\b`, "i").test(place);
    return isTable && incoming.method === method && text.includes(body);
  };

  const refusals = new Set<{ readonly match: GateMatch; readonly status: number; readonly times: "once" | "always" }>();
  const takeRefusal = (incoming: IncomingMessage, text: string): number | undefined => {
    const found = [...refusals].find(({ match }) => fits(match, incoming, text));
    if (found?.times === "once") refusals.delete(found);
    return found?.status;
  };

  const stopFor = (incoming: IncomingMessage, body: string): Stop | undefined => {
    return stops.find((stop) => {
      if (!fits(stop, incoming, body)) return false;
      stop.seen += 1;
      return stop.seen === (stop.nth ?? 1);
    });
  };

  const server = createServer((incoming, answer) => {
    const pieces: Buffer[] = [];
    incoming.on("data", (piece: Buffer) => pieces.push(piece));
    incoming.on("end", () => {
      const body = Buffer.concat(pieces);
      const stop = stopFor(incoming, body.toString("utf8"));
      const refused = takeRefusal(incoming, body.toString("utf8"));
      if (stop?.point === "before") stop.reach();
      else if (refused !== undefined) answer.writeHead(refused).end();
      else forward(incoming, body, answer, stop);
    });
  });

  function forward(incoming: IncomingMessage, body: Buffer, answer: ServerResponse, stop: Stop | undefined): void {
    const { method, url: path } = incoming;
    const headers = { ...incoming.headers, host: `${hostname}:${port}` };
    const outgoing = request({ hostname, port, path, method, headers }, (response) => {
      if (stop !== undefined) {
        response.resume().once("end", stop.reach);
        return;
      }
      answer.writeHead(response.statusCode ?? 500, response.headers);
      response.pipe(answer);
    });
    outgoing.once("error", () => incoming.socket.destroy());
    outgoing.end(body);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the gate has no port");
  return {
    connectionString: connectionString.replace(tableServer, `http://127.0.0.1:${address.port}`),
    stop: (point, match) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const missing = new Error(`no ${match.method} of table ${match.table} came within ${deadlineMs / 1_000} s`);
      const timer = setTimeout(() => reject(missing), deadlineMs);
      const reach = () => {
        clearTimeout(timer);
        resolve();
      };
      stops = [...stops, { ...match, point, reach, seen: 0 }];
      return { reached: promise };
    },
    refuse: (match, status, times = "once") => {
      const refusal = { match, status, times };
      refusals.add(refusal);
      return () => refusals.delete(refusal);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
