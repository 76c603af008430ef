// Ingest beside reading clients at one size, compared with ingest alone on the same server just
// before.

import { join } from "node:path";
import { peakResidentBytes } from "../processes.ts";
import { type Scratch, track } from "../scratch.ts";
import { type Server, serverKind, startServer, stopServer } from "../servers.ts";
import type { Facts } from "./facts.ts";
import { type Findings, Notebook } from "./figures.ts";
import { storedProblems } from "./ingest.ts";
import { untilCaughtUp } from "./lag.ts";
import { loadServer, mixedSeconds, type Prepared, warmUpSeconds } from "./loads.ts";
import type { ReadCase, ReadName } from "./read-cases.ts";
import type { Reading } from "./readers.ts";

const mix: ReadName[] = ["first page", "from page", "since page", "rare word", "frequent word", "stats"];
/** The readers end by themselves, after their last answers. */
const readersExtraMs = 60_000;

export async function measureMixed(
  scratch: Scratch,
  folder: string,
  { size }: Facts,
  cases: ReadCase[],
  prepared: Prepared,
): Promise<Findings> {
  const notebook = new Notebook(size);
  const server = await startServer(serverKind("postern"), scratch, folder);
  const seconds = Math.min(prepared.seconds, mixedSeconds);
  const warmUp = await loadServer(scratch, server, warmUpSeconds, prepared.warmUpPath);
  await untilCaughtUp(server);
  const alone = await loadServer(scratch, server, seconds, prepared.firstPath);
  await untilCaughtUp(server);
  const paths = cases.filter(({ name }) => mix.includes(name)).map(({ path }) => path);
  const [mixed, reading] = await Promise.all([
    loadServer(scratch, server, seconds, prepared.secondPath),
    readBeside(scratch, server, seconds, paths),
  ]);
  notebook.note("alone", alone.requestsPerSecond, "/s", `${seconds} s, no reader`);
  notebook.note("mixed", mixed.requestsPerSecond, "/s", `${seconds} s, 8 readers`);
  notebook.note("mixed ÷ alone", mixed.requestsPerSecond / alone.requestsPerSecond, "×");
  noteReading(notebook, reading, seconds);
  notebook.note("resident peak, mixed", peakResidentBytes(server.process.pid) / 2 ** 20, "MiB");
  notebook.complain([...(await stopServer(server)), ...storedProblems(server, [warmUp, alone, mixed])]);
  return notebook;
}

async function readBeside(
  scratch: Scratch,
  server: Server,
  seconds: number,
  paths: string[],
): Promise<Reading> {
  const program = join(import.meta.dir, "readers.ts");
  const argv = [process.execPath, program, String(server.port), String(seconds), ...paths];
  const timeout = seconds * 1000 + readersExtraMs;
  const child = Bun.spawn(argv, { stdout: "pipe", stderr: "inherit", timeout });
  const output = await track(scratch, child).stdout.text();
  if ((await child.exited) !== 0) throw new Error("the reading clients failed");
  return JSON.parse(output) as Reading;
}

function noteReading(notebook: Notebook, reading: Reading, seconds: number): void {
  const { reads, refused, failed, p50Ms, p99Ms } = reading;
  notebook.note("reads beside", reads / seconds, "/s", `${reads} reads`);
  notebook.note("reads beside p50", p50Ms, "ms");
  notebook.note("reads beside p99", p99Ms, "ms");
  notebook.note("reads beside refused", (refused / Math.max(1, reads)) * 100, "%", `${refused} times 503`);
  if (failed > 0) notebook.complain([`${failed} of ${reads} reads failed otherwise than by 503`]);
}
