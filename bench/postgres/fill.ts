// Fills a database with messages by the engine's own statements, so that tables, counts and numbers
// are what ingest would have made. To be fast it writes a thousand rows a transaction, doesn't wait
// for the disk, and makes the indexes afterwards.

import { randomId } from "../../src/lib/chance.ts";
import type { Connection } from "../../src/storage/postgres/connection/connection.ts";
import { migrate } from "../../src/storage/postgres/connection/schema.ts";
import { numberAll } from "../../src/storage/postgres/derived/numbering.ts";
import { writeBatch } from "../../src/storage/postgres/ingest/batch.ts";
import type { Tally } from "../growth/facts.ts";
import type { Message } from "../messages.ts";
import { sessionOn } from "./server.ts";

const batchRows = 1000;
const writers = 3;

/** Resolves when everything is counted, analysed and on the disk. */
export async function fill(url: string, all: Iterable<Message>, tally: Tally): Promise<void> {
  const connection = sessionOn(url, writers);
  await migrate(connection);
  const indexes = await dropIndexes(connection);
  const slices = inSlices(all, tally);
  await Promise.all(Array.from({ length: writers }, () => write(connection, slices)));
  for (const definition of indexes) await connection.run(definition);
  await numberAll(connection);
  await connection.script("vacuum analyze");
  await connection.script("checkpoint");
  await connection.close();
}

/** All but the primary key; returns what makes them anew. */
async function dropIndexes(connection: Connection): Promise<string[]> {
  const indexes = await connection.run<{ name: string; definition: string }>(
    `select quote_ident(indexname) as name, indexdef as definition from pg_indexes
     where tablename = 'messages' and indexname not in (select conname from pg_constraint)`,
  );
  for (const { name } of indexes) await connection.run(`drop index ${name}`);
  return indexes.map(({ definition }) => definition);
}

/** The writers take turns at the slices. */
async function write(connection: Connection, slices: Iterator<Message[]>): Promise<void> {
  for (let next = slices.next(); !next.done; next = slices.next()) {
    const queued = { createdAt: new Date().toISOString(), intake: { messages: next.value } };
    await connection.transaction("read write", async (session) => {
      await session.run("set local synchronous_commit = off");
      const { record } = await writeBatch(session, randomId(), [queued]);
      await session.script(record);
    });
  }
}

function* inSlices(all: Iterable<Message>, tally: Tally): Generator<Message[], undefined> {
  let slice: Message[] = [];
  for (const message of all) {
    tally.count(message);
    slice.push(message);
    if (slice.length < batchRows) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
}
