/** Commands that run until they are ended, what they follow, and a connection that can be cut. */
import { createConnection, createServer, type Socket, type Server as TcpServer } from "node:net";
import { sign } from "../../src/sources/native.ts";
import { message } from "../messages.ts";
import { freePort } from "../postgres/kept-process.ts";
import { until } from "../until.ts";
import { SECRET, spawnPostern } from "./postern.ts";

export interface Running {
  readonly lines: () => readonly string[];
  readonly stderr: () => string;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Resolves with the exit code. */
  readonly exited: Promise<number>;
}

/** A command whose output is read while it runs. */
export function startPostern(args: readonly string[], env: Readonly<Record<string, string>>): Running {
  const child = spawnPostern(args, { env });
  const text = { stdout: "", stderr: "" };
  const read = async (name: keyof typeof text) => {
    const decoder = new TextDecoder();
    for await (const chunk of child[name]) text[name] += decoder.decode(chunk, { stream: true });
  };
  const reading = Promise.all([read("stdout"), read("stderr")]);
  return {
    lines: () => text.stdout.split("\n").slice(0, -1),
    stderr: () => text.stderr,
    signal: (signal) => child.kill(signal),
    exited: reading.then(() => child.exited),
  };
}

/** Waits for so many lines, and gives them. */
export async function linesOf(running: Running, count: number): Promise<readonly string[]> {
  await until(`${count} lines`, () => running.lines().length >= count);
  return running.lines();
}

/** Stores messages with these identifiers, one after the other. */
export async function post(url: string, ids: readonly string[], fields: object = {}): Promise<void> {
  for (const id of ids) {
    const body = JSON.stringify(message(id, { text: `text of ${id}`, ...fields }));
    const { status } = await fetch(`${url}/webhook`, {
      method: "POST",
      headers: { "X-Signature": sign(SECRET, body) },
      body,
    });
    if (status !== 200) throw new Error(`${id} was answered with ${status}`);
  }
}

interface Line {
  readonly url: string;
  /** Ends all connections, and takes none until it is joined. */
  readonly cut: () => Promise<void>;
  readonly join: (port: number) => Promise<void>;
}

/** An address that leads to a service, or for a while to none. */
export async function newLine(port: number): Promise<Line> {
  const sockets = new Set<Socket>();
  let server: TcpServer | undefined;
  const own = freePort();
  const join = async (target: number) => {
    const listening = createServer((near) => {
      const far = createConnection({ port: target, host: "127.0.0.1" });
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(one);
        one.pipe(other);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          sockets.delete(one);
          other.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => listening.listen(own, "127.0.0.1", resolve));
    server = listening;
  };
  await join(port);
  return {
    url: `http://127.0.0.1:${own}`,
    join,
    cut: async () => {
      const closed = new Promise((resolve) => server?.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
