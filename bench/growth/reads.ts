// Start and reads, one client at a time on a server that does nothing else; every answer is held to
// the facts.

import { Database } from "bun:sqlite";
import { median } from "../report.ts";
import type { Scratch } from "../scratch.ts";
import { host, type Server, serverKind, startServer, stopServer } from "../servers.ts";
import type { Facts } from "./facts.ts";
import { type Findings, measuredAt, Notebook, quotient } from "./figures.ts";
import { untilCaughtUp } from "./lag.ts";
import { type ReadCase, rareWord } from "./read-cases.ts";

const starts = 5;
const warmUps = 5;
const samples = 30;
const samplesMin = 3;
/** A slow read gets fewer samples. */
const readMsMax = 30_000;
const requestMsMax = 60_000;
const scans = 3;
const pageRows = 50;

/** Start to ready: the median of some starts on the same files. */
export async function measureStarts(scratch: Scratch, folder: string, { size }: Facts): Promise<Findings> {
  const notebook = new Notebook(size);
  const readyMs: number[] = [];
  for (let start = 0; start < starts; start++) {
    const server = await startServer(serverKind("postern"), scratch, folder);
    readyMs.push(server.readyMs);
    notebook.complain(await stopServer(server));
  }
  const range = `${Math.min(...readyMs).toFixed(0)}–${Math.max(...readyMs).toFixed(0)} ms`;
  notebook.note("start to ready", median(readyMs), "ms", range);
  return notebook;
}

export async function measureReads(
  scratch: Scratch,
  folder: string,
  facts: Facts,
  cases: ReadCase[],
): Promise<Findings> {
  const notebook = new Notebook(facts.size);
  const server = await startServer(serverKind("postern"), scratch, folder);
  await untilCaughtUp(server);
  for (const each of cases) await measureRead(notebook, server, facts, each);
  const scan = scanMs(server.databasePath, facts);
  notebook.note("instr scan", scan.ms, "ms");
  const rareMs = measuredAt(notebook.figures, facts.size, "rare word");
  notebook.note("instr scan ÷ rare word", quotient(scan.ms, rareMs), "×");
  notebook.complain([...scan.problems, ...(await stopServer(server))]);
  return notebook;
}

/**
 * The median of some reads of one kind; a refused one stands as such, a wrong answer is a problem.
 */
export async function measureRead(
  notebook: Notebook,
  server: Server,
  facts: Facts,
  each: ReadCase,
): Promise<void> {
  const times: number[] = [];
  const deadline = performance.now() + readMsMax;
  for (let done = 0; done < warmUps + samples; done++) {
    if (performance.now() > deadline && times.length >= samplesMin) break;
    const read = await timedRead(server, each.path);
    if (read.status === 503)
      return notebook.note(each.name, null, "ms", `503 after ${read.ms.toFixed(0)} ms`);
    const problem = read.status === 200 ? answerProblem(each, facts, read.body) : `answered ${read.status}`;
    if (problem !== null) return notebook.complain([`${each.name}: ${problem}`]);
    if (done >= warmUps || performance.now() > deadline) times.push(read.ms);
  }
  const few = times.length < samples ? `, ${times.length} samples` : "";
  notebook.note(
    each.name,
    median(times),
    "ms",
    `total ${facts.totals[each.name].toLocaleString("en-US")}${few}`,
  );
}

type Read = { status: number; ms: number; body: string };

async function timedRead(server: Server, path: string): Promise<Read> {
  const startedNs = Bun.nanoseconds();
  const signal = AbortSignal.timeout(requestMsMax);
  const response = await fetch(`http://${host}:${server.port}${path}`, { signal });
  const body = await response.text();
  return { status: response.status, ms: (Bun.nanoseconds() - startedNs) / 1_000_000, body };
}

function answerProblem({ name, path }: ReadCase, facts: Facts, body: string): string | null {
  if (name === "stats") {
    const isRight = Bun.deepEquals(JSON.parse(body), facts.stats);
    return isRight ? null : `answered ${body} instead of ${JSON.stringify(facts.stats)}`;
  }
  const { data, total } = JSON.parse(body) as { data: unknown[]; total: number };
  const expected = facts.totals[name];
  if (total !== expected) return `${path} has the total ${total} instead of ${expected}`;
  const offset = Number(new URLSearchParams(path.split("?")[1]).get("offset") ?? 0);
  const rows = Math.min(pageRows, Math.max(0, expected - offset));
  return data.length === rows ? null : `${path} has ${data.length} rows instead of ${rows}`;
}

/** What a search without any index costs: SQLite alone looks into every text. */
function scanMs(databasePath: string, facts: Facts): { ms: number; problems: string[] } {
  const database = new Database(databasePath, { readonly: true });
  try {
    const query = database.query<{ found: number }, [string]>(
      "select count(*) as found from messages where instr(lower(text), ?) > 0",
    );
    const times: number[] = [];
    let found: number | undefined;
    for (let scan = 0; scan < scans; scan++) {
      const startedNs = Bun.nanoseconds();
      found = query.get(rareWord)?.found;
      times.push((Bun.nanoseconds() - startedNs) / 1_000_000);
    }
    const wrong = found === facts.totals["rare word"] ? [] : [`the scan found ${found} rare words`];
    return { ms: median(times), problems: wrong };
  } finally {
    database.close();
  }
}
