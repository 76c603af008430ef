// Starts the receivers' process, and asks it what it got.

import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { type Scratch, track } from "../scratch.ts";
import { host } from "../servers.ts";
import type { Received } from "./receiver.ts";

type Receivers = {
  urls: string[];
  /** Waits until each has got so many requests, and gives what each got, in the order of `urls`. */
  got: (records: number) => Promise<Received[]>;
};

/** Lets `work` use receivers that have got nothing yet. */
export async function withReceivers<Result>(
  scratch: Scratch,
  count: number,
  work: (receivers: Receivers) => Promise<Result>,
): Promise<Result> {
  const argv = [process.execPath, join(import.meta.dir, "receiver.ts"), String(count)];
  const child = track(scratch, Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr: "inherit" }));
  const lines = createInterface({ input: Readable.fromWeb(child.stdout) })[Symbol.asyncIterator]();
  const answer = async <Answer>(): Promise<Answer> => {
    const { value, done } = await lines.next();
    if (done) throw new Error("the receivers failed");
    return JSON.parse(value) as Answer;
  };
  try {
    const ports = await answer<number[]>();
    return await work({
      urls: ports.map((port) => `http://${host}:${port}/hooks`),
      got: async (records) => {
        child.stdin.write(`${records}\n`);
        await child.stdin.flush();
        return answer<Received[]>();
      },
    });
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}
