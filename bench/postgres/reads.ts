// Reads as a database grows: one client at a time on one replica that does nothing else, every
// answer held to what the generator knows.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { storedMessages } from "../growth/build.ts";
import { Tally } from "../growth/facts.ts";
import { type Findings, Notebook } from "../growth/figures.ts";
import { untilCaughtUp } from "../growth/lag.ts";
import { type ReadName, readCases } from "../growth/read-cases.ts";
import { measureRead } from "../growth/reads.ts";
import type { Series } from "../messages.ts";
import type { Scratch } from "../scratch.ts";
import { startServer, stopServer } from "../servers.ts";
import { fill } from "./fill.ts";
import { type Postgres, sessionOn, withDatabase } from "./server.ts";
import { posternKind } from "./subjects.ts";

const names: readonly ReadName[] = [
  ...(["first page", "from page", "since page", "offset half", "stats"] as const),
  ...(["rare word", "absent word"] as const),
];

export function measureReads(
  scratch: Scratch,
  postgres: Postgres,
  series: Series,
  size: number,
): Promise<Findings> {
  return withDatabase(postgres, `reads_${size}`, async (url) => {
    const notebook = new Notebook(size);
    const cases = readCases(size, series.senders);
    const tally = new Tally(cases);
    const startedMs = performance.now();
    await fill(url, storedMessages(series, size), tally);
    const filledMs = performance.now() - startedMs;
    notebook.note("filled", (size * 1000) / filledMs, "/s", "indexes, counts and statistics included");
    notebook.note("database bytes/message", (await databaseBytes(url)) / size, "B", "indexes included");
    const folder = join(scratch.folder, `reads-${size}`);
    const server = await startServer(posternKind, scratch, folder, { databaseUrl: url });
    await untilCaughtUp(server);
    const facts = tally.facts();
    for (const each of cases.filter(({ name }) => names.includes(name)))
      await measureRead(notebook, server, facts, each);
    notebook.complain(await stopServer(server));
    rmSync(folder, { recursive: true });
    return notebook;
  });
}

async function databaseBytes(url: string): Promise<number> {
  const session = sessionOn(url);
  const [row] = await session.run<{ bytes: number }>(
    "select pg_database_size(current_database())::float8 as bytes",
  );
  await session.close();
  return row?.bytes ?? 0;
}
