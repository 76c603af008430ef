/** The work of `postern doctor`. */
import { readSome } from "../config.ts";
import type { DatabaseUrl } from "../core/database-url.ts";
import { DatabaseInUse } from "../core/errors.ts";
import type { Examined, IndexMaintenance, Task } from "../core/maintenance.ts";
import { CommandFailed } from "./errors.ts";
import { maintenanceOf, needed } from "./maintenance.ts";
import { print, say } from "./output.ts";
import { startProgress } from "./progress.ts";
import { askService, serviceUrl } from "./running-service.ts";

export interface DoctorFlags {
  readonly rebuild?: true;
  readonly url?: URL;
}

const POLL_MS = 200;
const UNREACHED_MAX = 10;
/** What `--rebuild` leaves as it is, and its remedy stands beside. */
const IN_THE_LOG = ["failures", "series"];

/** Resolves with the exit code: 1 when something differs from the log. */
export async function doctor(url: DatabaseUrl, flags: DoctorFlags): Promise<number> {
  const index = needed(maintenanceOf(url).index, "doctor");
  if (flags.rebuild === true) await rebuild(index, flags);
  const examination = await finish("checks", await index.examine());
  const { parts, remedy } = examination;
  for (const { part, rows, findings } of parts) {
    const verdict = findings.length === 0 ? "sound" : "DIFFERS";
    await print(`${part.padEnd(8)} ${String(rows).padStart(12)} rows  ${verdict}`);
    for (const finding of findings) await print(`  ${finding}`);
  }
  if (examination.index === undefined)
    await print("there is no index that serves this log: a server makes it when it starts");
  const sound = parts.every(({ findings }) => findings.length === 0);
  const differs = ({ part, findings }: Examined) => !IN_THE_LOG.includes(part) && findings.length > 0;
  if (parts.some(differs) && flags.rebuild !== true)
    say("postern: --rebuild makes what is derived anew; the log stays as it is");
  if (remedy !== undefined) say(`postern: the log is damaged: ${remedy}`);
  return sound ? 0 : 1;
}

async function finish<T>(verb: string, { rows, steps }: Task<T>): Promise<T> {
  const progress = await startProgress(verb, rows);
  try {
    let step = await steps.next();
    for (; step.done !== true; step = await steps.next()) progress.show(step.value, step.value);
    return step.value;
  } finally {
    progress.stop();
  }
}

async function rebuild(index: IndexMaintenance, flags: DoctorFlags): Promise<void> {
  try {
    await finish("indexed", await index.rebuild());
  } catch (error) {
    if (!(error instanceof DatabaseInUse)) throw error;
    await rebuildInServer(index, flags);
  }
}

/** The server that has the database does it; done when what was derived before is gone. */
async function rebuildInServer(index: IndexMaintenance, flags: DoctorFlags): Promise<void> {
  const { apiToken, readPort } = readSome(["apiToken", "readPort"]);
  if (apiToken === undefined) {
    throw new CommandFailed(
      "a server has the database open: set API_TOKEN, and it is asked to make its index anew",
    );
  }
  const address = new URL("/admin/rebuild-index", flags.url ?? serviceUrl("/", readPort));
  const before = await index.names();
  const headers = { Authorization: `Bearer ${apiToken}` };
  const answer = await askService(address, { method: "POST", headers });
  if (answer.status !== 202) {
    throw new CommandFailed(`${address.href} answered ${answer.status} ${answer.text.slice(0, 200)}`);
  }
  const live = new URL("/stats", address);
  for (let unreached = 0; (await index.names()).some((name) => before.includes(name)); ) {
    await Bun.sleep(POLL_MS);
    const reached = await askService(live).then(
      () => true,
      () => false,
    );
    unreached = reached ? 0 : unreached + 1;
    if (unreached > UNREACHED_MAX) throw new CommandFailed(`${address.origin} doesn't answer any more`);
  }
}
