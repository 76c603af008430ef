/**
 * The work of `postern deliveries replay`, `replays` and `stop`, by the API of the service. Before
 * anything is sent it says how many records that are, and asks.
 */
import { writeSync } from "node:fs";
import { systemClock } from "../lib/clock.ts";
import { parseRate } from "../lib/rate.ts";
import type { DeliveriesFlags } from "./deliveries-commands.ts";
import { askDestination, destinationPath } from "./destination.ts";
import { CommandFailed, UsageError } from "./errors.ts";
import { filterOf, type LogFilter } from "./flags.ts";
import { openInput } from "./input.ts";
import { counted, print, say } from "./output.ts";
import { ServiceClient } from "./service-client.ts";
import { duration, table } from "./table.ts";

export interface ReplayFlags extends DeliveriesFlags, LogFilter {
  /** Places in the log. */
  readonly after: string;
  readonly until: string;
  readonly rate: string;
  readonly newIds?: true;
  readonly dryRun?: true;
  readonly yes?: true;
}

interface Replay {
  readonly id: string;
  readonly kinds: readonly string[];
  readonly source: readonly string[] | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly rate: string;
  readonly new_ids: boolean;
  readonly records: number;
  readonly done: number;
  readonly created_at: string;
}

const [NOT_FOUND, CONFLICT, GONE] = [404, 409, 410];

/** Each resolves with the exit code. */
export async function replayRecords(name: string, flags: ReplayFlags): Promise<number> {
  const { url, json, dryRun, yes, rate } = flags;
  const client = new ServiceClient(url);
  const part = { ...filterOf(flags), ...(await boundsOf(client, flags)), rate };
  const dry = await asked(client, name, { ...part, dry_run: true });
  const { records } = dry as { readonly records: number };
  if (dryRun === true || records === 0) {
    await print(json === true ? JSON.stringify(dry) : `${sized(records, rate)}: nothing is sent`);
    return 0;
  }
  if (yes !== true) {
    if (!process.stdin.isTTY) throw new UsageError(`${sized(records, rate)}: say --yes to send them`);
    if (!(await isConfirmed(`${sized(records, rate)}: send them to ${name} again? [y/N] `)))
      throw new CommandFailed("nothing is sent");
  } else say(sized(records, rate));
  const begun = await asked(client, name, { ...part, new_ids: flags.newIds === true });
  const replay = begun as Pick<Replay, "id" | "records">;
  await print(
    json === true
      ? JSON.stringify(begun)
      : `begun: replay ${replay.id} of ${counted(replay.records, "record")} to ${name}`,
  );
  return 0;
}

export async function listReplays(name: string, { url, json }: DeliveriesFlags): Promise<number> {
  const { body } = await askDestination(new ServiceClient(url), name, "/replays");
  const { data } = body as { readonly data: readonly Replay[] };
  if (json === true) for (const replay of data) await print(JSON.stringify(replay));
  else if (data.length > 0) await print(table([HEAD, ...data.map(rowOf)]));
  return 0;
}

export async function stopReplay(name: string, id: string, { url, json }: DeliveriesFlags): Promise<number> {
  const path = `${destinationPath(name)}/replays/${encodeURIComponent(id)}`;
  const { status, body } = await new ServiceClient(url).ask(path, { method: "DELETE", also: [NOT_FOUND] });
  if (status === NOT_FOUND) throw new CommandFailed(`${name}: ${(body as { detail: string }).detail}`);
  if (json !== true) await print(`stopped: replay ${id} to ${name}`);
  return 0;
}

/** The end of the log once for both questions, so that what is counted is what is sent. */
async function boundsOf(client: ServiceClient, { after, until }: ReplayFlags) {
  if (until !== "now") return { after, until };
  const { body } = await client.ask("/log", { query: { after: "now", limit: 1 } });
  return { after, until: (body as { readonly next: string }).next };
}

async function asked(client: ServiceClient, name: string, json: object): Promise<unknown> {
  const question = { method: "POST", json, also: [CONFLICT, GONE] } as const;
  const { status, body } = await askDestination(client, name, "/replay", question);
  if (status === CONFLICT || status === GONE)
    throw new CommandFailed(`${name}: ${(body as { detail: string }).detail}`);
  return body;
}

function sized(records: number, rate: string): string {
  const seconds = Math.ceil(records / (parseRate(rate) ?? Number.POSITIVE_INFINITY));
  return `${counted(records, "record")}${records === 0 ? "" : `, ${duration(seconds)} at ${rate}`}`;
}

/** Asks on the terminal: one line, and only a yes is one. */
async function isConfirmed(question: string): Promise<boolean> {
  writeSync(2, question);
  for await (const line of openInput("-").chunks)
    return /^y(es)?$/i.test(Buffer.from(line).toString().trim());
  return false;
}

const HEAD = ["ID", "DONE", "RATE", "BEGUN", "KINDS", "FILTER"];

function rowOf(replay: Replay): string[] {
  const { id, done, records, rate, created_at, kinds, new_ids } = replay;
  const filter = (["source", "from", "to"] as const)
    .filter((key) => replay[key] !== null)
    .map((key) => `${key}=${replay[key]}`);
  const seconds = (systemClock.now() - Date.parse(created_at)) / 1000;
  return [
    ...[id, `${done} of ${records}`, rate, `${duration(Math.max(0, seconds))} ago`, kinds.join(",")],
    [...filter, ...(new_ids ? ["new ids"] : [])].join(" "),
  ];
}
