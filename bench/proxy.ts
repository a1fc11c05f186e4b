import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";

/** A server of the bench before a registry. */
export interface RegistryProxy extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly host: string;
}

/** Serves `forward` on a free port of this machine, until it is disposed with all its connections. */
export async function startProxy(forward: RequestListener): Promise<RegistryProxy> {
  const server = createServer(forward).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    host: `127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
