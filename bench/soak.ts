// `bun bench/soak.ts`: keeps one server under load for a minute and shows that its memory stays
// level, that no acknowledged message is lost, and that it wrote one log line for each webhook
// request. Exit code 1 when not.

import { createReadStream } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { readOptions, requirePackages, wholeNumber, withScratch } from "./command-line.ts";
import { type Load, runLoad } from "./load.ts";
import { machineLine } from "./machine.ts";
import { scrape } from "./metrics.ts";
import { peakResidentBytes, residentBytes } from "./processes.ts";
import { writeDefaultRequests } from "./requests.ts";
import { countRows, rowProblems } from "./rows.ts";
import type { Scratch } from "./scratch.ts";
import { logPath, type Server, type ServerKind, serverKind, startServer, stopServer } from "./servers.ts";

const usage =
  "usage: bun bench/soak.ts [--seconds 60] [--connections 64] [--server postern] [--rate 45000] [--dir FOLDER]";
const to = "+14155550100";
const sampleMs = 1000;
const shownEverySamples = 5;
/** Memory is compared with its value then: caches have filled, leaks have not. */
const referenceSecond = 20;
const settleMs = 200;

/** `rate`: how many requests a second are prepared; each takes about 400 bytes of disk. */
type Options = { seconds: number; connections: number; rate: number; kind: ServerKind; folder: string };
type Counts = { answered: number; rows: number; counted: Map<string, number>; logLines: number };
type Soak = { load: Load; counts: Counts; samples: number[]; peakBytes: number; problems: string[] };

await main(readOptions(parseOptions, usage));

async function main(options: Options): Promise<void> {
  requirePackages([options.kind.name]);
  await withScratch(options.folder, async (scratch) => {
    const header = machineLine(scratch.folder, new Date());
    const soak = await run(options, scratch);
    console.log(report(header, options, soak));
    return soak.problems.length > 0 ? 1 : 0;
  });
}

function parseOptions(): Options {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "60" },
      connections: { type: "string", default: "64" },
      rate: { type: "string", default: "45000" },
      server: { type: "string", default: "postern" },
      dir: { type: "string", default: tmpdir() },
    },
  });
  const kind = serverKind(values.server);
  if (!kind.stores) throw new Error(`${kind.name} stores nothing that could be lost`);
  return {
    seconds: wholeNumber("seconds", values.seconds),
    connections: wholeNumber("connections", values.connections),
    rate: wholeNumber("rate", values.rate),
    kind,
    folder: values.dir,
  };
}

async function run(options: Options, scratch: Scratch): Promise<Soak> {
  const requestsPath = join(scratch.folder, "requests.bin");
  const count = options.seconds * options.rate;
  console.error(`bench: preparing ${count} signed requests`);
  await writeDefaultRequests(requestsPath, { first: 0, count, to });
  const server = await startServer(options.kind, scratch, join(scratch.folder, options.kind.name));
  const { load, samples } = await loadAndSample(options, scratch, server, requestsPath);
  const counted = await settledCounts(server);
  const peakBytes = peakResidentBytes(server.process.pid);
  const stopProblems = await stopServer(server);
  const counts: Counts = {
    answered: load.answered,
    rows: countRows(server.databasePath, to).rows,
    counted,
    logLines: await countLogLines(server),
  };
  const acknowledged = { to, answered: load.answered, connections: options.connections };
  const problems = [...load.problems, ...stopProblems, ...rowProblems(server.databasePath, acknowledged)];
  return { load, counts, samples, peakBytes, problems: [...problems, ...countProblems(counts)] };
}

/** Resident bytes once a second while the load runs: the first sample is the state before it. */
async function loadAndSample(options: Options, scratch: Scratch, server: Server, requestsPath: string) {
  const { seconds, connections } = options;
  const samples = [residentBytes(server.process.pid)];
  const timer = setInterval(() => samples.push(residentBytes(server.process.pid)), sampleMs);
  const plan = { port: server.port, connections, seconds, requestsPath, cyclic: false };
  const load = await runLoad(scratch, plan).finally(() => clearInterval(timer));
  return { load, samples };
}

/** Results that the server counted, once the last requests of the load are through. */
async function settledCounts(server: Server): Promise<Map<string, number>> {
  let [before, after] = [await scrapeResults(server), await afterPause(server)];
  while (sum(before) !== sum(after)) [before, after] = [after, await afterPause(server)];
  return after;
}

async function afterPause(server: Server): Promise<Map<string, number>> {
  await Bun.sleep(settleMs);
  return scrapeResults(server);
}

function scrapeResults(server: Server): Promise<Map<string, number>> {
  return scrape(server.port, "webhook_requests_total", "result");
}

async function countLogLines(server: Server): Promise<number> {
  let lines = 0;
  for await (const line of createInterface({ input: createReadStream(logPath(server.folder)) })) {
    if (line.includes('"path":"/webhook"')) lines++;
  }
  return lines;
}

function countProblems({ rows, counted, logLines }: Counts): string[] {
  const problems: string[] = [];
  const ok = counted.get("ok") ?? 0;
  if (logLines !== sum(counted)) problems.push(`${logLines} log lines for ${sum(counted)} counted requests`);
  if (rows !== ok) problems.push(`${rows} rows for ${ok} requests counted as ok`);
  return problems;
}

function sum(counted: Map<string, number>): number {
  return [...counted.values()].reduce((total, value) => total + value, 0);
}

function report(
  header: string,
  options: Options,
  { load, counts, samples, peakBytes, problems }: Soak,
): string {
  const { answered, rows, counted, logLines } = counts;
  const rate = Math.round(load.requestsPerSecond);
  return [
    `${header} · ${options.kind.name}, ${options.connections} connections, ${options.seconds} s`,
    `${answered} answered with 200 (${rate}/s, p50 ${load.p50Us} µs, p99 ${load.p99Us} µs, p99.9 ${load.p999Us} µs), ` +
      `${rows} rows, ${sum(counted)} counted by /metrics, ${logLines} log lines`,
    memoryLine(samples, peakBytes),
    memoryTable(samples),
    problems.length === 0 ? "No request lost; log lines = requests." : `FAILED: ${problems.join("; ")}`,
  ].join("\n\n");
}

function memoryLine(samples: number[], peakBytes: number): string {
  const second = Math.min(referenceSecond, Math.floor(samples.length / 3));
  const [reference = Number.NaN, last = Number.NaN] = [samples[second], samples.at(-1)];
  const change = ((last - reference) / reference) * 100;
  return (
    `Resident memory: ${mebibytes(reference)} MiB at ${second} s, ${mebibytes(last)} MiB at the end ` +
    `(${change > 0 ? "+" : ""}${change.toFixed(1)} %), at most ${mebibytes(peakBytes)} MiB`
  );
}

function memoryTable(samples: number[]): string {
  const shown = samples.flatMap((bytes, second) =>
    second % shownEverySamples === 0 ? [{ second, bytes }] : [],
  );
  return [
    `| second | ${shown.map(({ second }) => second).join(" | ")} |`,
    `|---|${"--:|".repeat(shown.length)}`,
    `| resident MiB | ${shown.map(({ bytes }) => mebibytes(bytes)).join(" | ")} |`,
  ].join("\n");
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
