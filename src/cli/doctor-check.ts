/** The work of `postern doctor`. */
import { readSome } from "../config.ts";
import type { SqliteUrl } from "../core/database-url.ts";
import { examineDatabase, FileInUse, indexFilesOf, REMEDY, rebuildIndexOf, rowsIn } from "../storage/open.ts";
import { CommandFailed } from "./errors.ts";
import { print, say } from "./output.ts";
import { startProgress } from "./progress.ts";
import { askService, serviceUrl } from "./running-service.ts";

export interface DoctorFlags {
  readonly rebuild?: true;
  readonly url?: URL;
}

const POLL_MS = 200;
const UNREACHED_MAX = 10;

/** Resolves with the exit code: 1 when something differs from the log. */
export async function doctor(url: SqliteUrl, flags: DoctorFlags): Promise<number> {
  if (flags.rebuild === true) await rebuild(url, flags);
  const progress = await startProgress("checks", rowsIn(url));
  const examination = examineDatabase(url);
  let rows = 0;
  let step = examination.next();
  for (; step.done !== true; step = examination.next()) {
    rows += step.value;
    progress.show(rows, rows);
  }
  progress.stop();
  const { index, parts } = step.value;
  for (const { part, rows, findings } of parts) {
    const verdict = findings.length === 0 ? "sound" : "DIFFERS";
    await print(`${part.padEnd(8)} ${String(rows).padStart(12)} rows  ${verdict}`);
    for (const finding of findings) await print(`  ${finding}`);
  }
  if (index === undefined)
    await print("there is no index that serves this log: a server makes it when it starts");
  const sound = parts.every(({ findings }) => findings.length === 0);
  if (!sound && flags.rebuild !== true)
    say("postern: --rebuild makes what is derived anew; the log stays as it is");
  if (parts.some(({ part, findings }) => part === "log" && findings.length > 0))
    say(`postern: the log is damaged: ${REMEDY}`);
  return sound ? 0 : 1;
}

async function rebuild(url: SqliteUrl, flags: DoctorFlags): Promise<void> {
  try {
    const progress = await startProgress("indexed", rowsIn(url) / 4);
    try {
      for (const row of rebuildIndexOf(url)) progress.show(row, row);
    } finally {
      progress.stop();
    }
  } catch (error) {
    if (!(error instanceof FileInUse)) throw error;
    await rebuildInServer(url, flags);
  }
}

/** The server that holds the file does it; done when the index files that were there are gone. */
async function rebuildInServer(url: SqliteUrl, flags: DoctorFlags): Promise<void> {
  const { apiToken, readPort } = readSome(["apiToken", "readPort"]);
  if (apiToken === undefined) {
    throw new CommandFailed(
      "a server has the database open: set API_TOKEN, and it is asked to make its index anew",
    );
  }
  const address = new URL("/admin/rebuild-index", flags.url ?? serviceUrl("/", readPort));
  const before = indexFilesOf(url);
  const headers = { Authorization: `Bearer ${apiToken}` };
  const answer = await askService(address, { method: "POST", headers });
  if (answer.status !== 202) {
    throw new CommandFailed(`${address.href} answered ${answer.status} ${answer.text.slice(0, 200)}`);
  }
  const live = new URL("/stats", address);
  for (let unreached = 0; indexFilesOf(url).some((file) => before.includes(file)); ) {
    await Bun.sleep(POLL_MS);
    const reached = await askService(live).then(
      () => true,
      () => false,
    );
    unreached = reached ? 0 : unreached + 1;
    if (unreached > UNREACHED_MAX) throw new CommandFailed(`${address.origin} doesn't answer any more`);
  }
}
