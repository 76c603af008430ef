/** Stands between a browser and a service: a connection that can be cut, and another service. */
import { connect, createServer, type Socket } from "node:net";

interface Wire {
  readonly url: string;
  /** Everything that is open is cut, and nobody is let in until it is mended. */
  readonly cut: () => void;
  /** What is open now stays open, and carries nothing any more; the next one does. */
  readonly stall: () => void;
  /** Leads to that port from now on. */
  readonly mend: (port: number) => void;
  readonly close: () => Promise<void>;
}

export async function newWire(port: number): Promise<Wire> {
  let to: number | undefined = port;
  const sockets = new Set<Socket>();
  const pairs = new Map<Socket, Socket>();
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    if (to === undefined) return void client.destroy();
    const service = connect(to, "127.0.0.1");
    for (const [one, other] of [
      [client, service],
      [service, client],
    ] as const) {
      sockets.add(one);
      one.on("error", () => undefined);
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
    pairs.set(service, client);
    service.on("close", () => pairs.delete(service));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut: () => {
      to = undefined;
      cutAll();
    },
    stall: () => {
      for (const [service, client] of pairs) service.unpipe(client).resume();
    },
    mend: (next) => {
      to = next;
    },
    close: () => {
      cutAll();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
