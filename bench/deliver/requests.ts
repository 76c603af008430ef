// The requests that a destination sends, made beforehand from the log, so that a bare loop sends
// the same bytes; and what each receiver must have got.

import { webhookBody, webhookId } from "../../src/follow/deliver/webhook-message.ts";
import { signingKey, webhookSignature } from "../../src/lib/standard-webhooks.ts";
import type { Message } from "../messages.ts";
import { writePieces } from "../pieces.ts";
import { host, type Server } from "../servers.ts";
import { destinationSecret } from "./configuration.ts";
import type { Received } from "./receiver.ts";

const pageRecords = 1000;

type Page = { data: LogRecord[]; next: string; more: boolean };
type LogRecord = { message_id: string; from: string; created_at: string };
/** As the bare loop reads it, one a line. */
export type Prepared = { headers: Record<string, string>; body: string };

/** Writes all records of a server's log as requests; what a receiver must get of it. */
export async function writeDeliveries(path: string, server: Server): Promise<Expected> {
  const key = signingKey(destinationSecret) ?? Buffer.alloc(0);
  const timestamp = Math.floor(Date.now() / 1000);
  const lines: string[] = [];
  const records = await recordsOf(server);
  for (const record of records) {
    const id = webhookId({ record });
    const body = webhookBody({ record, text: JSON.stringify(record) });
    const headers = {
      ...{ "Content-Type": "application/json", "User-Agent": "Postern/0.0.0" },
      ...{ "webhook-id": id, "webhook-timestamp": String(timestamp) },
      ...{ "webhook-signature": webhookSignature(key, id, timestamp, body), "postern-attempt": "1" },
    };
    lines.push(`${JSON.stringify({ headers, body } satisfies Prepared)}\n`);
  }
  await writePieces(path, lines);
  return expectedOf(records);
}

/** All, in the order of the log, which isn't always that in which they were written. */
export async function recordsOf(server: Server): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (let after = "start", more = true; more; ) {
    const answer = await fetch(`http://${host}:${server.port}/log?limit=${pageRecords}&after=${after}`);
    const page = (await answer.json()) as Page;
    records.push(...page.data);
    after = page.next;
    more = page.more;
  }
  return records;
}

/** Who sent what, by the identifier that a receiver sees, in the order of the log. */
export type Expected = Map<string, { from: string; place: number }>;

export function expectedOf(messages: Iterable<Pick<Message, "message_id" | "from">>): Expected {
  const expected: Expected = new Map();
  for (const message of messages)
    expected.set(webhookId({ record: { message_id: message.message_id, created_at: "" } }), {
      ...{ from: message.from, place: expected.size },
    });
  return expected;
}

/**
 * Each record once, nothing else, and, where that is promised, each sender's in the order of the
 * log.
 */
export function receivedProblems(expected: Expected, { ids }: Received, isOrdered: boolean): string[] {
  const distinct = new Set(ids);
  const strange = [...distinct].filter((id) => !expected.has(id)).length;
  const last = new Map<string, number>();
  let disordered = 0;
  for (const id of ids) {
    const { from = "", place = 0 } = expected.get(id) ?? {};
    if (place < (last.get(from) ?? 0)) disordered++;
    last.set(from, place);
  }
  return [
    ...(distinct.size - strange === expected.size
      ? []
      : [`${distinct.size - strange} of ${expected.size} records were received`]),
    ...(strange === 0 ? [] : [`${strange} records were received that nobody sent`]),
    ...(distinct.size === ids.length ? [] : [`${ids.length - distinct.size} records were received again`]),
    ...(isOrdered && disordered > 0 ? [`${disordered} records came before an earlier one of theirs`] : []),
  ];
}
