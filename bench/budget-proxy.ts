import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { type RegistryProxy, startProxy } from "./proxy.ts";

export interface BudgetProxyOptions {
  readonly writesPerMinute: number;
  readonly readsPerMinute: number;
}

export interface BudgetProxy extends RegistryProxy {
  /** When each write was let through, in ms of `performance.now()`. */
  readonly writesAtMs: readonly number[];
  readonly refused: () => number;
}

const minuteMs = 60_000;

/**
 * A proxy before one registry that lets so many requests through in any minute, and answers 429 to the others, with the
 * seconds until there is room again: as strict as an Azure Container Registry can be.
 */
export async function startBudgetProxy(targetHost: string, options: BudgetProxyOptions): Promise<BudgetProxy> {
  const [hostname, port] = targetHost.split(":");
  const passed = { read: [] as number[], write: [] as number[] };
  const limits = { read: options.readsPerMinute, write: options.writesPerMinute };
  let refused = 0;

  const forward = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const kind = incoming.method === "GET" || incoming.method === "HEAD" ? "read" : "write";
    const times = passed[kind];
    const nowMs = performance.now();
    const oldest = times.at(-limits[kind]);
    if (oldest !== undefined && oldest > nowMs - minuteMs) {
      refused += 1;
      const seconds = Math.ceil((oldest + minuteMs - nowMs) / 1_000);
      outgoing.writeHead(429, { "retry-after": String(seconds) }).end();
      incoming.resume();
      return;
    }
    times.push(nowMs);
    const target = { hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers };
    const upstream = request(target, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    upstream.on("error", () => outgoing.destroy());
    outgoing.on("close", () => upstream.destroy());
    incoming.pipe(upstream);
  };

  return { ...(await startProxy(forward)), writesAtMs: passed.write, refused: () => refused };
}
