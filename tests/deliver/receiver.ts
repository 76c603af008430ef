/**
 * An application that takes deliveries and fails as applications do: a real server on a free port
 * of 127.0.0.1, which notes what it got before it answers, and answers as it is told to at the
 * moment. Signatures are checked by the library that receivers use.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { Webhook } from "standardwebhooks";
import type { Certificate } from "./certificates.ts";

interface Received {
  /** By `performance.now`, when the body was whole. */
  readonly at: number;
  readonly id: string;
  readonly attempt: number;
  readonly isReplay: boolean;
  /** Whether each of the receiver's secrets verifies it. */
  readonly isVerified: boolean;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The connections of a receiver are counted from 1 on. */
  readonly connection: number;
}

/** What becomes of a request that was read and noted. */
export type Behaviour = (answer: ServerResponse, received: Received) => void;

interface ReceiverOptions {
  /** Without one nothing verifies. */
  readonly secrets?: readonly string[];
  /** Serves HTTPS with it. */
  readonly certificate?: Certificate;
  readonly port?: number;
  /** An address of 127.0.0.0/8. */
  readonly address?: string;
  /** For what keeps less than everything; `received` stays empty then. */
  readonly note?: (received: Received) => void;
}

export interface Receiver {
  readonly url: string;
  readonly port: number;
  /** In the order in which they came. */
  readonly received: Received[];
  /** Holds for the requests from now on; at first they are answered with 200. */
  readonly behave: (behaviour: Behaviour) => void;
  readonly openConnections: () => number;
  /** Ends its connections and listens no more. */
  readonly close: () => Promise<void>;
}

export async function newReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const { certificate, address = "127.0.0.1" } = options;
  const webhooks = (options.secrets ?? []).map((secret) => webhookOf(secret));
  const received: Received[] = [];
  const note = options.note ?? ((each: Received) => void received.push(each));
  const connections = new Map<Socket, number>();
  let made = 0;
  let behaviour = answers(200);

  const take = async (request: IncomingMessage, answer: ServerResponse) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const connection = connections.get(request.socket) ?? 0;
    const each = receivedOf(request, Buffer.concat(chunks).toString(), connection, webhooks);
    note(each);
    behaviour(answer, each);
  };
  const server = certificate === undefined ? createServer(take) : createTlsServer({ ...certificate }, take);
  server.on(certificate === undefined ? "connection" : "secureConnection", (socket: Socket) => {
    connections.set(socket, ++made);
    socket.on("close", () => connections.delete(socket));
    socket.on("error", () => undefined);
  });
  server.on("tlsClientError", () => undefined);
  // What it closes by itself is up to its behaviour alone.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, address, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificate === undefined ? "http" : "https"}://${address}:${port}`,
    ...{ port, received },
    behave: (next) => {
      behaviour = next;
    },
    openConnections: () => connections.size,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of connections.keys()) socket.destroy();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Secrets as destinations take them. */
function webhookOf(secret: string): Webhook {
  return secret.startsWith("whsec_")
    ? new Webhook(secret)
    : new Webhook(new TextEncoder().encode(secret), { format: "raw" });
}

function receivedOf(
  request: IncomingMessage,
  body: string,
  connection: number,
  webhooks: readonly Webhook[],
): Received {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  const isVerifiedBy = (webhook: Webhook) => {
    try {
      webhook.verify(body, headers, { jsonParse: false });
      return true;
    } catch {
      return false;
    }
  };
  return {
    at: performance.now(),
    id: headers["webhook-id"] ?? "",
    attempt: Number(headers["postern-attempt"]),
    isReplay: headers["postern-replay"] === "true",
    isVerified: webhooks.length > 0 && webhooks.every(isVerifiedBy),
    path: request.url ?? "",
    ...{ headers, body, connection },
  };
}

export function answers(status: number, headers: Record<string, string> = {}, body = "ok"): Behaviour {
  return (answer) => void answer.writeHead(status, headers).end(body);
}

/** The first for the first request from now on, and so on; the last one stays. */
export function inTurn(...behaviours: readonly [Behaviour, ...Behaviour[]]): Behaviour {
  let asked = 0;
  return (answer, received) => {
    const behaviour = behaviours[Math.min(asked++, behaviours.length - 1)] ?? behaviours[0];
    behaviour(answer, received);
  };
}

/** Never answers; the connection stays. */
export const hangs: Behaviour = () => undefined;

/** Closes without a byte. */
export const closes: Behaviour = (answer) => void answer.socket?.destroy();

/** Writes what it is given, which may be anything, and closes unless it is to stay. */
export function writes(bytes: string | Uint8Array, then: "close" | "stay" = "close"): Behaviour {
  return ({ socket }) => void (then === "close" ? socket?.end(bytes) : socket?.write(bytes));
}

export const closesInHead = writes("HTTP/1.1 200 OK\r\nContent-Le");

export const closesInBody = writes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");

export const writesGarbage = writes("\0\x01\x02 SSH-2.0-OpenSSH\r\n\r\n", "stay");

/** Byte by byte, so many milliseconds apart, for as long as somebody listens. */
export function dribbles(text: string, apartMs: number): Behaviour {
  return ({ socket }) => {
    let sent = 0;
    const timer = setInterval(() => {
      if (sent < text.length) socket?.write(text.charAt(sent++));
      else clearInterval(timer);
    }, apartMs);
    socket?.once("close", () => clearInterval(timer));
  };
}

/** An answer that goes on until its connection is closed. */
export function neverEnds(status: number): Behaviour {
  const piece = "x".repeat(64 * 1024);
  return (answer) => {
    answer.writeHead(status);
    const more = () => {
      while (!answer.destroyed && answer.write(piece));
    };
    answer.on("drain", more);
    more();
  };
}
