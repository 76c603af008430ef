// Sends signed POSTs at a steady rate, whatever the server does: each when it is due, on a
// connection of its own or one that is free.

import type { Socket } from "bun";
import type { Message } from "../messages.ts";
import { newSigner, signedRequest } from "../requests.ts";
import { host } from "../servers.ts";
import { instantMs } from "./clock.ts";

/** When a message was sent, and when its 200 was here. */
export type Sent = { id: string; sentMs: number; answeredMs: number };

/** Resolves when all are answered; throws when one is answered by anything but 200. */
export async function sendAtRate(
  port: number,
  messages: Iterable<Message>,
  perSecond: number,
): Promise<Sent[]> {
  const signer = newSigner();
  const free: Connection[] = [];
  const all: Connection[] = [];
  const sent: Promise<Sent>[] = [];
  const begin = performance.now();
  for (const message of messages) {
    const request = signedRequest(JSON.stringify(message), signer);
    await Bun.sleep(Math.max(0, begin + (sent.length * 1000) / perSecond - performance.now()));
    let connection = free.pop();
    if (connection === undefined) {
      connection = await connect(port);
      all.push(connection);
    }
    const sentMs = instantMs();
    const answered = connection.send(request).then((answeredMs) => {
      free.push(connection);
      return { id: message.message_id, sentMs, answeredMs };
    });
    // Another failure is thrown first.
    answered.catch(() => undefined);
    sent.push(answered);
  }
  try {
    return await Promise.all(sent);
  } finally {
    for (const connection of all) connection.close();
  }
}

type Connection = { send: (request: string) => Promise<number>; close: () => void };

/** One that carries one request at a time; its answers are short enough to come at once. */
async function connect(port: number): Promise<Connection> {
  let answered: PromiseWithResolvers<number> | undefined;
  const socket: Socket = await Bun.connect({
    hostname: host,
    port,
    socket: {
      data: (_, bytes) => {
        const answeredMs = instantMs();
        const head = bytes.toString("latin1");
        if (head.startsWith("HTTP/1.1 200 ")) answered?.resolve(answeredMs);
        else answered?.reject(new Error(`a message was answered ${head.split("\r\n", 1)}`));
      },
      close: () => answered?.reject(new Error("a connection was closed")),
    },
  });
  return {
    send: (request) => {
      answered = Promise.withResolvers();
      socket.write(request);
      return answered.promise;
    },
    close: () => {
      socket.end();
    },
  };
}
