/** A position that the service keeps, as commands ask for it. */
import { CommandFailed } from "./errors.ts";
import type { LogFilter } from "./flags.ts";
import type { ServiceClient } from "./service-client.ts";

export interface Consumer {
  readonly name: string;
  readonly kinds: readonly string[];
  readonly source: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly position: string;
  readonly lag_records: number;
  readonly lag_is_bound: boolean;
  readonly lag_seconds: number;
  readonly acknowledged_at: string | null;
}

const CREATED = 201;
const NOT_FOUND = 404;
const CONFLICT = 409;

export function consumerPath(name: string): string {
  return `/consumers/${encodeURIComponent(name)}`;
}

interface NewConsumer {
  readonly name: string;
  /** Where it begins. */
  readonly start: string;
  readonly filter: LogFilter;
}

/**
 * Makes the consumer, or finds it with the same filter. Throws `CommandFailed` when neither can be.
 */
export async function createConsumer(
  client: ServiceClient,
  { name, start, filter }: NewConsumer,
): Promise<{ readonly isNew: boolean; readonly consumer: Consumer }> {
  const json = { start, ...filter };
  const { status, body } = await client.ask(consumerPath(name), { method: "PUT", json, also: [CONFLICT] });
  if (status === CONFLICT) throw new CommandFailed(`${name}: ${(body as { detail: string }).detail}`);
  return { isNew: status === CREATED, consumer: body as Consumer };
}

/**
 * Whether it was made. One that is there is taken with the filter that it has, unless another one
 * is asked for.
 */
export async function openConsumer(client: ServiceClient, wanted: NewConsumer): Promise<boolean> {
  if (Object.keys(wanted.filter).length === 0) {
    const { status } = await client.ask(consumerPath(wanted.name), { also: [NOT_FOUND] });
    if (status !== NOT_FOUND) return false;
  }
  const { isNew } = await createConsumer(client, wanted);
  return isNew;
}
