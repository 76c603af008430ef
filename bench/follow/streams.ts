// The clients of `/log/stream`, in a process of their own, so that what they cost isn't a part of
// what is measured but for the processor. They read Server-Sent Events from bare sockets: `fetch`
// has a thread between, and 256 connections at most.
// Usage: bun bench/follow/streams.ts PORT PATH...
// Prints a line when all streams are open. A line of input says how many records each has to get;
// then it prints as JSON what each got.

import { host } from "../servers.ts";
import { instantMs } from "./clock.ts";

/** What is still under way when it is asked for may take so long. */
const arriveMsMax = 15_000;
const pollMs = 10;

/** A message and when it was here. */
export type Arrival = readonly [id: string, ms: number];
export type Followed = { streams: Arrival[][]; closed: number };

class Stream {
  readonly arrivals: Arrival[] = [];
  isOpen = false;
  isClosed = false;
  #rest = "";

  /** The text is Latin-1: identifiers are ASCII, and of the rest nothing is looked at. */
  take(text: string): void {
    const ms = instantMs();
    this.isOpen = true;
    const events = (this.#rest + text).split("\n\n");
    this.#rest = events.pop() ?? "";
    for (const event of events) {
      const id = /"message_id":"([^"]+)"/.exec(event)?.[1];
      if (id !== undefined) this.arrivals.push([id, ms]);
    }
  }
}

async function open(port: number, path: string): Promise<Stream> {
  const stream = new Stream();
  const socket = await Bun.connect({
    hostname: host,
    port,
    socket: {
      data: (_, bytes) => stream.take(bytes.toString("latin1")),
      close: () => {
        stream.isClosed = true;
      },
    },
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\n\r\n`);
  return stream;
}

async function until(isDone: () => boolean): Promise<void> {
  const deadline = performance.now() + arriveMsMax;
  while (!isDone() && performance.now() < deadline) await Bun.sleep(pollMs);
}

if (import.meta.main) {
  const [port, ...paths] = process.argv.slice(2);
  const streams: Stream[] = [];
  for (const path of paths) streams.push(await open(Number(port), path));
  await until(() => streams.every(({ isOpen }) => isOpen));
  if (streams.some(({ isOpen, isClosed }) => !isOpen || isClosed)) throw new Error("a stream didn't open");
  console.log("open");
  for await (const line of console) {
    await until(() => streams.every(({ arrivals }) => arrivals.length >= Number(line)));
    const followed: Followed = {
      streams: streams.map(({ arrivals }) => arrivals),
      closed: streams.filter(({ isClosed }) => isClosed).length,
    };
    await Bun.write(Bun.stdout, `${JSON.stringify(followed)}\n`);
    break;
  }
  process.exit(0);
}
