/** A progress bar on stderr, for people alone: where stderr is no terminal it stays silent. */
import { say } from "./output.ts";

export interface Progress {
  /** How many bytes of the input, and how many messages, are done. */
  readonly show: (bytes: number, messages: number) => void;
  /** A line on stderr that doesn't tear the bar. */
  readonly say: (line: string) => void;
  readonly stop: () => void;
}

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
  return {
    // It draws ten times a second at most.
    show: (bytes, messages) => bar.update(bytes, { messages }),
    say: (line) => say(`\r\x1b[K${line}`),
    stop: () => bar.stop(),
  };
}
