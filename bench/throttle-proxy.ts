import { once } from "node:events";
import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { type RegistryProxy, startProxy } from "./proxy.ts";

/** A proxy before one registry that sends at most `bytesPerSecond` over each connection: a slow source. */
export async function startThrottleProxy(targetHost: string, bytesPerSecond: number): Promise<RegistryProxy> {
  const [hostname, port] = targetHost.split(":");
  const forward = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const options = { hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers };
    const upstream = request(options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      pass(answer, outgoing, bytesPerSecond).catch(() => outgoing.destroy()); // whoever reads has had enough
    });
    upstream.on("error", () => outgoing.destroy());
    outgoing.on("close", () => upstream.destroy());
    incoming.pipe(upstream);
  };
  return await startProxy(forward);
}

async function pass(answer: IncomingMessage, outgoing: ServerResponse, bytesPerSecond: number): Promise<void> {
  const begin = performance.now();
  let sentBytes = 0;
  for await (const chunk of answer) {
    if (outgoing.destroyed) return;
    if (!outgoing.write(chunk)) await once(outgoing, "drain");
    sentBytes += chunk.length;
    const aheadMs = (sentBytes / bytesPerSecond) * 1_000 - (performance.now() - begin);
    if (aheadMs > 1) await new Promise((resolve) => setTimeout(resolve, aheadMs));
  }
  outgoing.end();
}
