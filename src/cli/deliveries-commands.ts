/** The work of `postern deliveries`, by the API of the service. */
import { CAUSES, type Cause } from "../follow/deliver/sink.ts";
import { systemClock } from "../lib/clock.ts";
import { askDestination } from "./destination.ts";
import { CommandFailed, UsageError } from "./errors.ts";
import { counted, print, say } from "./output.ts";
import { ServiceClient } from "./service-client.ts";
import { behind, duration, type Lagging, oldest, table } from "./table.ts";

export interface DeliveriesFlags {
  readonly url?: URL;
  readonly json?: true;
}

interface Filter {
  readonly state?: "waiting" | "dead";
  readonly cause?: string;
  readonly from?: string;
}

export interface FailuresFlags extends DeliveriesFlags, Filter {
  readonly limit: number;
}

export interface SelectionFlags extends DeliveriesFlags, Filter {
  readonly position?: readonly string[];
  readonly all?: true;
}

export type Change = "pause" | "resume" | "probe";

interface Destination extends Lagging {
  readonly name: string;
  readonly state: "ok" | "down" | "paused" | "inactive";
  readonly reason: string | null;
  readonly since: string | null;
  readonly position: string;
  readonly put_aside: number;
  readonly dead: number;
  readonly next_attempt_at: string | null;
  readonly attempts: { readonly success: number; readonly failure: number };
  readonly answer_ms: { readonly p50: number | null; readonly p99: number | null };
}

interface Failure {
  readonly position: string;
  readonly kind: string;
  readonly message_id: string | null;
  readonly state: "waiting" | "dead";
  readonly attempts: number;
  readonly last_status: number | null;
  readonly cause: string | null;
  readonly excerpt: string | null;
  readonly last_at: string | null;
  readonly next_at: string | null;
}

const CONFLICT = 409;
/** What the service takes at a time. */
const PAGE_ROWS_MAX = 100;
const POSITIONS_MAX = 1000;
const EXCERPT_CHARS_MAX = 60;

/** Each resolves with the exit code. */
export async function listDestinations({ url, json }: DeliveriesFlags): Promise<number> {
  const { body } = await new ServiceClient(url).ask("/destinations");
  const { data } = body as { readonly data: readonly Destination[] };
  if (json === true) for (const destination of data) await print(JSON.stringify(destination));
  else if (data.length > 0) await print(table([HEAD, ...data.map(rowOf)]));
  return 0;
}

export async function showDestination(name: string, { url, json }: DeliveriesFlags): Promise<number> {
  const { body } = await askDestination(new ServiceClient(url), name, "");
  await print(json === true ? JSON.stringify(body) : table(linesOf(body as Destination)));
  return 0;
}

export async function listFailures(name: string, flags: FailuresFlags): Promise<number> {
  const { url, json, limit } = flags;
  const client = new ServiceClient(url);
  const found: Failure[] = [];
  let all = 0;
  for (let rest = limit; rest > 0; rest = Math.min(limit, all) - found.length) {
    const page = { limit: Math.min(rest, PAGE_ROWS_MAX), offset: found.length };
    const { body } = await askDestination(client, name, "/failures", {
      query: { ...filterOf(flags), ...page },
    });
    const { data, total } = body as { readonly data: readonly Failure[]; readonly total: number };
    found.push(...data);
    all = total;
    if (data.length === 0) break;
  }
  if (json === true) for (const failure of found) await print(JSON.stringify(failure));
  else if (found.length > 0) await print(table([FAILURE_HEAD, ...found.map(failureRowOf)]));
  if (all > found.length) say(`${found.length} of ${all}: more by --limit`);
  return 0;
}

export async function changeFailures(
  what: "retry" | "drop",
  name: string,
  flags: SelectionFlags,
): Promise<number> {
  const { url, json, position = [], all } = flags;
  const filter = filterOf(flags);
  const isNarrowed = position.length > 0 || Object.keys(filter).length > 0;
  if (isNarrowed && all === true)
    throw new UsageError("--all is everything: leave it out, or --position, --state, --cause and --from");
  if (!isNarrowed && all !== true)
    throw new UsageError(`${what} which? Say it by --position, --state, --cause or --from, or --all`);
  const client = new ServiceClient(url);
  const parts: (readonly string[] | undefined)[] = [];
  for (let start = 0; start < position.length; start += POSITIONS_MAX)
    parts.push(position.slice(start, start + POSITIONS_MAX));
  if (parts.length === 0) parts.push(undefined);
  let records = 0;
  for (const positions of parts) {
    const selection = { ...filter, ...(positions !== undefined && { positions }) };
    const { body } = await askDestination(client, name, `/failures/${what}`, {
      method: "POST",
      json: selection,
    });
    records += (body as { readonly records: number }).records;
  }
  const done = what === "retry" ? "tried again" : "dropped";
  await print(
    json === true ? JSON.stringify({ records }) : `${done}: ${counted(records, "record")} of ${name}`,
  );
  return 0;
}

export async function changeDestination(
  what: Change,
  name: string,
  { url, json }: DeliveriesFlags,
): Promise<number> {
  const { body } = await askDestination(new ServiceClient(url), name, `/${what}`, { method: "POST" });
  const destination = body as Destination;
  await print(json === true ? JSON.stringify(body) : changed(what, destination));
  return 0;
}

export async function deleteDestination(name: string, { url, json }: DeliveriesFlags): Promise<number> {
  const question = { method: "DELETE", also: [CONFLICT] } as const;
  const { status, body } = await askDestination(new ServiceClient(url), name, "", question);
  if (status === CONFLICT) throw new CommandFailed(`${name}: ${(body as { detail: string }).detail}`);
  if (json !== true) await print(`deleted: destination ${name}`);
  return 0;
}

function changed(what: Change, { name, state, position, lag_records, ...more }: Destination): string {
  const rest = lag_records === 0 ? "" : `, ${behind({ ...more, lag_records })} behind`;
  if (what === "pause") return `paused: destination ${name}, at ${position}${rest}`;
  if (state === "inactive")
    return `the destination ${name} is not in the service's configuration file: nothing is sent to it`;
  if (what === "resume") return `resumed: destination ${name}, at ${position}${rest}`;
  if (state === "paused") return `the destination ${name} is paused: resume it first`;
  return state === "ok" && more.reason === null
    ? `the destination ${name} is ok: nothing holds it up`
    : `the destination ${name} is tried now`;
}

function filterOf({ state, cause, from }: Filter): Filter {
  return {
    ...(state !== undefined && { state }),
    ...(cause !== undefined && { cause }),
    ...(from !== undefined && { from }),
  };
}

const HEAD = ["NAME", "STATE", "BEHIND BY", "OLDEST", "PUT ASIDE", "DEAD", "NEXT ATTEMPT", "REASON"];

function rowOf(destination: Destination): string[] {
  const { name, state, put_aside, dead, next_attempt_at, reason } = destination;
  return [
    ...[name, state, behind(destination), oldest(destination), String(put_aside), String(dead)],
    ...[next_attempt_at === null ? "-" : fromNow(next_attempt_at), reason ?? ""],
  ];
}

function linesOf(destination: Destination): string[][] {
  const { name, state, reason, since, position, put_aside, dead } = destination;
  const { next_attempt_at, attempts, answer_ms, lag_records } = destination;
  const time = (ms: number | null) => (ms === null ? "-" : `${ms} ms`);
  return [
    ["name", name],
    ["state", since === null ? state : `${state} since ${since}`],
    ...(reason === null ? [] : [["reason", explained(reason)]]),
    ["position", position],
    ["behind by", behind(destination) + (lag_records === 0 ? "" : `, the oldest ${oldest(destination)}`)],
    ["put aside", counted(put_aside, "record")],
    ["dead", counted(dead, "record")],
    ["next attempt", next_attempt_at === null ? "-" : `${fromNow(next_attempt_at)} (${next_attempt_at})`],
    ["attempts", `${attempts.success} delivered, ${attempts.failure} failed`],
    ["answers", `half within ${time(answer_ms.p50)}, 99 % within ${time(answer_ms.p99)}`],
  ];
}

/** Where nobody answers, the reason is a cause; the others are words already. */
function explained(reason: string): string {
  return reason in CAUSES ? `${reason}: ${CAUSES[reason as Cause]}` : reason;
}

const FAILURE_HEAD = ["POSITION", "STATE", "ATTEMPTS", "CAUSE", "LAST", "NEXT", "RECORD", "SAID"];

function failureRowOf(failure: Failure): string[] {
  const { position, state, attempts, cause, last_status, last_at, next_at, kind, message_id } = failure;
  const next = next_at === null ? "behind another one" : fromNow(next_at);
  const said = failure.excerpt ?? "";
  return [
    ...[position, state, String(attempts), [cause ?? "-", last_status ?? ""].join(" ").trimEnd()],
    ...[last_at === null ? "-" : `${duration(-secondsTo(last_at))} ago`, state === "dead" ? "never" : next],
    [kind, message_id ?? ""].join(" ").trimEnd(),
    said.length > EXCERPT_CHARS_MAX ? `${said.slice(0, EXCERPT_CHARS_MAX)}…` : said,
  ];
}

function fromNow(instant: string): string {
  const seconds = secondsTo(instant);
  return seconds < 1 ? "now" : `in ${duration(seconds)}`;
}

function secondsTo(instant: string): number {
  return (Date.parse(instant) - systemClock.now()) / 1000;
}
