/** HTTP by hand over a socket, for what a client library hides or refuses to send. */
import { createConnection, type Socket } from "node:net";
import { until } from "../until.ts";

export interface WireAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export class Wire {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  /** Nothing more will come. */
  closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Uint8Array) => {
      this.#received = Buffer.concat([this.#received, bytes]);
    });
    for (const event of ["end", "close", "error"]) {
      socket.on(event, () => {
        this.closed = true;
      });
    }
  }

  static async connect(port: number): Promise<Wire> {
    const socket = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
    const wire = new Wire(socket);
    await until("connected", () => !socket.connecting);
    return wire;
  }

  /**
   * Strings are sent as bytes 0 to 255. Resolves when the system took it, or the connection is
   * gone.
   */
  send(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data, () => resolve());
    });
  }

  /** The next answer; undefined when the connection was closed without one. */
  async answer(options: { readonly toHead?: boolean } = {}): Promise<WireAnswer | undefined> {
    return until("an answer or the end", () => {
      const parsed = parse(this.#received, options.toHead ?? false, this.closed);
      if (parsed !== undefined) {
        this.#received = this.#received.subarray(parsed.length);
        return { value: parsed.answer };
      }
      return this.closed ? { value: undefined } : undefined;
    }).then(({ value }) => value);
  }

  /** What was received and isn't part of an answer that was taken. */
  text(): string {
    return this.#received.toString("latin1");
  }

  end(): void {
    this.#socket.destroy();
  }
}

/** Sends one request as given and returns its answer. */
export async function exchange(port: number, request: string | Uint8Array): Promise<WireAnswer | undefined> {
  const wire = await Wire.connect(port);
  try {
    await wire.send(request);
    return await wire.answer();
  } finally {
    wire.end();
  }
}

/** A request's head with the blank line that ends it. */
export function head(line: string, headers: Readonly<Record<string, string | number>> = {}): string {
  const lines = Object.entries({ Host: "127.0.0.1", ...headers }).map(([name, value]) => `${name}: ${value}`);
  return `${line} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
}

/** One chunk of a chunked body. */
export function chunk(data: string): string {
  return `${data.length.toString(16)}\r\n${data}\r\n`;
}

function parse(
  received: Buffer,
  toHead: boolean,
  closed: boolean,
): { answer: WireAnswer; length: number } | undefined {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = received.subarray(0, end).toString("latin1").split("\r\n");
  const status = Number(first.split(" ")[1]);
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(":")).toLowerCase(),
      line.slice(line.indexOf(":") + 1).trim(),
    ]),
  );
  const start = end + 4;
  if (status === 100) return parse(received.subarray(start), toHead, closed);
  if (toHead || status === 204 || status === 304)
    return { answer: { status, headers, body: "" }, length: start };
  const declared = headers["content-length"];
  if (declared !== undefined) {
    const length = start + Number(declared);
    if (received.length < length) return undefined;
    return { answer: { status, headers, body: received.subarray(start, length).toString() }, length };
  }
  if (headers["transfer-encoding"] === "chunked") {
    const last = received.indexOf("0\r\n\r\n", start);
    if (last < 0) return undefined;
    const body = received
      .subarray(start, last)
      .toString()
      .replace(/[0-9a-f]+\r\n([\s\S]*?)\r\n/g, "$1");
    return { answer: { status, headers, body }, length: last + 5 };
  }
  if (!closed) return undefined;
  return { answer: { status, headers, body: received.subarray(start).toString() }, length: received.length };
}
