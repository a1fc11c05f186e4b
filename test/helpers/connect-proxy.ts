import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";

export interface ConnectProxy extends AsyncDisposable {
  readonly url: string;
  /** What tunnels were asked for: `host:port`, and the Proxy-Authorization that came with it. */
  readonly asked: readonly { readonly authority: string; readonly authorization: string | undefined }[];
}

/** A proxy whose own names are those of `routes`: `host:port` → port on this machine. A number is the status of a refusal. */
export async function startConnectProxy(
  routes: Readonly<Record<string, { port: number } | number>>,
): Promise<ConnectProxy> {
  const asked: { authority: string; authorization: string | undefined }[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.on("connect", ({ url = "", headers }, client: Socket) => {
    asked.push({ authority: url, authorization: headers["proxy-authorization"] });
    const route = routes[url] ?? 502;
    client.on("error", () => undefined);
    if (typeof route === "number") {
      client.end(`HTTP/1.1 ${route} no\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const upstream = connect(route.port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.pipe(client).pipe(upstream);
    });
    sockets.add(upstream);
    upstream.on("error", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return {
    url: `http://user:p%40ss@127.0.0.1:${address.port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
