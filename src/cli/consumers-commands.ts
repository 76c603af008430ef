/** The work of `postern consumers`, by the API of the service. */
import { visibleText } from "../lib/visible-text.ts";
import { type Consumer, consumerPath, createConsumer } from "./consumer.ts";
import { CommandFailed } from "./errors.ts";
import { filterOf, type LogFilter } from "./flags.ts";
import { print } from "./output.ts";
import { ServiceClient } from "./service-client.ts";

export interface ConsumersFlags {
  readonly url?: URL;
  readonly json?: true;
}

export interface CreateFlags extends ConsumersFlags, LogFilter {
  readonly start: string;
}

const NOT_FOUND = 404;

/** Each resolves with the exit code. */
export async function listConsumers({ url, json }: ConsumersFlags): Promise<number> {
  const { body } = await new ServiceClient(url).ask("/consumers");
  const { data } = body as { readonly data: readonly Consumer[] };
  if (json === true) for (const consumer of data) await print(JSON.stringify(consumer));
  else if (data.length > 0) await print(table([HEAD, ...data.map(rowOf)]));
  return 0;
}

export async function makeConsumer(name: string, flags: CreateFlags): Promise<number> {
  const { start, url, json } = flags;
  const wanted = { name, start, filter: filterOf(flags) };
  const { isNew, consumer } = await createConsumer(new ServiceClient(url), wanted);
  const said = isNew ? `made: consumer ${name}` : `the consumer ${name} is there already`;
  await print(json === true ? JSON.stringify(consumer) : `${said}, at ${consumer.position}`);
  return 0;
}

export async function seekConsumer(name: string, to: string, { url, json }: ConsumersFlags): Promise<number> {
  const client = new ServiceClient(url);
  const path = `${consumerPath(name)}/seek`;
  const { status, body } = await client.ask(path, { method: "POST", json: { to }, also: [NOT_FOUND] });
  if (status === NOT_FOUND) throw unknown(name);
  await print(
    json === true ? JSON.stringify(body) : `moved: consumer ${name}, to ${(body as Consumer).position}`,
  );
  return 0;
}

export async function deleteConsumer(name: string, { url, json }: ConsumersFlags): Promise<number> {
  const { status } = await new ServiceClient(url).ask(consumerPath(name), {
    method: "DELETE",
    also: [NOT_FOUND],
  });
  if (status === NOT_FOUND) throw unknown(name);
  if (json !== true) await print(`deleted: consumer ${name}`);
  return 0;
}

function unknown(name: string): CommandFailed {
  return new CommandFailed(`there is no consumer ${name}`);
}

const HEAD = ["NAME", "BEHIND BY", "OLDEST", "ACKNOWLEDGED", "KINDS", "FILTER"];

function rowOf(consumer: Consumer): string[] {
  const { name, lag_records, lag_is_bound, lag_seconds, acknowledged_at, kinds } = consumer;
  const filter = (["source", "from", "to"] as const)
    .filter((key) => consumer[key] !== null)
    .map((key) => `${key}=${consumer[key]}`);
  return [
    name,
    `${lag_records}${lag_is_bound ? "+" : ""} record${lag_records === 1 && !lag_is_bound ? "" : "s"}`,
    lag_records === 0 ? "-" : `${duration(lag_seconds)} ago`,
    acknowledged_at ?? "never",
    kinds.join(","),
    filter.join(" "),
  ];
}

/** `3 s`, `12 min`, `5 h`, `9 d`. */
function duration(seconds: number): string {
  const units = [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
  ] as const;
  const [unit, size] = units.find(([, length]) => seconds >= 2 * length) ?? ["s", 1];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** Rows below each other. */
function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(visibleText));
  const widths = HEAD.map((_, column) => Math.max(...cells.map((row) => Bun.stringWidth(row[column] ?? ""))));
  const padded = (text: string, column: number) =>
    text + " ".repeat((widths[column] ?? 0) - Bun.stringWidth(text));
  return cells.map((row) => row.map(padded).join("  ").trimEnd()).join("\n");
}
