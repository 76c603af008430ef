/** The work of `postern consumers`, by the API of the service. */
import { type Consumer, consumerPath, createConsumer } from "./consumer.ts";
import { CommandFailed } from "./errors.ts";
import { filterOf, type LogFilter } from "./flags.ts";
import { print } from "./output.ts";
import { ServiceClient } from "./service-client.ts";
import { behind, oldest, table } from "./table.ts";

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
  const { name, acknowledged_at, kinds } = consumer;
  const filter = (["source", "from", "to"] as const)
    .filter((key) => consumer[key] !== null)
    .map((key) => `${key}=${consumer[key]}`);
  return [
    name,
    behind(consumer),
    oldest(consumer),
    acknowledged_at ?? "never",
    kinds.join(","),
    filter.join(" "),
  ];
}
