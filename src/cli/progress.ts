/** A progress bar on stderr, for people alone: where stderr is no terminal it stays silent. */
import { systemClock } from "../lib/clock.ts";
import { say } from "./output.ts";

export interface Progress {
  /** How much of the input is read, and how many messages are done. */
  readonly show: (bytesRead: number, messages: number) => void;
  /** A line on stderr that doesn't tear the bar. */
  readonly say: (line: string) => void;
  readonly stop: () => void;
}

const EVERY_MS = 100;

const SILENT: Progress = { show: () => undefined, say, stop: () => undefined };

/**
 * Begins a bar; without a total it only counts. `verb` is what happens to messages: "sent",
 * "imported".
 */
export async function startProgress(verb: string, bytesTotal: number | undefined): Promise<Progress> {
  if (!process.stderr.isTTY) return SILENT;
  const { SingleBar } = await import("cli-progress");
  const bar = new SingleBar({
    stream: process.stderr,
    format: `${bytesTotal === undefined ? "" : "[{bar}] {percentage} %  "}{messages} ${verb}, {duration_formatted}`,
    clearOnComplete: true,
    hideCursor: true,
  });
  bar.start(bytesTotal ?? 0, 0, { messages: 0 });
  let shownAt = 0;
  return {
    show: (bytesRead, messages) => {
      const now = systemClock.elapsed();
      if (now - shownAt < EVERY_MS) return;
      shownAt = now;
      bar.update(bytesRead, { messages });
    },
    say: (line) => say(`\r\x1b[K${line}`),
    stop: () => bar.stop(),
  };
}
