// Starts the process of the streams' clients, and asks it what they got.

import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { type Scratch, track } from "../scratch.ts";
import type { Arrival, Followed } from "./streams.ts";

type Clients = {
  /** Waits until each stream has got so many records, ends all, and gives what each got. */
  finish: (records: number) => Promise<Arrival[][]>;
};

/** Resolves when each path is followed by a stream that is open. */
export async function openStreams(scratch: Scratch, port: number, paths: string[]): Promise<Clients> {
  const argv = [process.execPath, join(import.meta.dir, "streams.ts"), String(port), ...paths];
  const child = track(scratch, Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr: "inherit" }));
  const lines = createInterface({ input: Readable.fromWeb(child.stdout) })[Symbol.asyncIterator]();
  if ((await lines.next()).done) throw new Error("the streams' clients failed");
  return {
    finish: async (records) => {
      child.stdin.write(`${records}\n`);
      await child.stdin.end();
      const { streams, closed } = JSON.parse((await lines.next()).value ?? "{}") as Followed;
      await child.exited;
      if (closed > 0) throw new Error(`${closed} streams were closed by the server`);
      return streams;
    },
  };
}
