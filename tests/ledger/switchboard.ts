/**
 * Listens at a port for as long as a run lasts, and leads each new connection to the server that
 * stands behind it at that moment.
 */
import { connect, createServer, type Socket } from "node:net";

interface Switchboard {
  /** New connections go to this port of 127.0.0.1. */
  readonly leadTo: (port: number) => void;
  readonly close: () => Promise<void>;
}

/** `note` is told where each connection goes. */
export async function newSwitchboard(port: number, note: (to: number) => void): Promise<Switchboard> {
  const open = new Set<Socket>();
  let to = 0;
  const server = createServer((socket) => {
    note(to);
    const inner = connect(to, "127.0.0.1");
    for (const [each, other] of [
      [socket, inner],
      [inner, socket],
    ] as const) {
      open.add(each);
      each.on("error", () => other.destroy());
      each.on("close", () => {
        open.delete(each);
        other.end();
      });
      each.pipe(other);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    leadTo: (next) => {
      to = next;
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
