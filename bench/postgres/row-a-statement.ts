// The yardstick for group commit: a server that takes Postern's native messages into Postern's own
// tables, as Postern verifies and reads them, but each by a statement of its own, which is its
// transaction. It leaves out logs, metrics, counts and everything but `POST /webhook`, so it is a
// little cheaper than Postern with such a store would be.
// Usage: bun bench/postgres/row-a-statement.ts, with Postern's variables.

import { SQL } from "bun";
import { fold } from "../../src/core/fold.ts";
import { instantKey } from "../../src/core/instant.ts";
import type { Message } from "../../src/core/message.ts";
import { nativeSource } from "../../src/sources/native.ts";
import { Connection } from "../../src/storage/postgres/connection/connection.ts";
import { migrate } from "../../src/storage/postgres/connection/schema.ts";

/** As many as a replica of Postern may write with. */
const connectionsMax = 6;
const connectTimeoutS = 5;

const environment = process.env;
const url = environment["DATABASE_URL"] ?? "";
const source = nativeSource([environment["WEBHOOK_SECRET"] ?? ""]);
const accepted = { headers: { "content-type": "application/json" } };

const schema = new Connection(url, { connectionsMax: 1, connectTimeoutS });
await migrate(schema);
await schema.close();

// Statements are prepared once a connection, which Postern does without for the sake of poolers.
const sql = new SQL(url, { max: connectionsMax, connectionTimeout: connectTimeoutS, idleTimeout: 0 });
const batch = crypto.randomUUID();
let place = 0;

const server = Bun.serve({
  hostname: environment["HOST"] ?? "127.0.0.1",
  port: Number(environment["PORT"]),
  async fetch(request) {
    if (request.method === "GET") return new Response("ready");
    const proof = source.proof(request.headers);
    const body = await request.bytes();
    if (proof === undefined || !source.verify(proof, body)) return new Response("", { status: 401 });
    const normalised = source.normalise(body);
    if ("errors" in normalised) return new Response("", { status: 422 });
    for (const message of normalised.intake.messages) await store(message);
    return new Response('{"status":"ok"}', accepted);
  },
});

process.on("SIGTERM", async () => {
  await server.stop(false);
  await sql.close();
  process.exit(0);
});

/** Resolves when it is on stable storage, new or not. */
async function store({ message_id, from, to, ts, text }: Message): Promise<void> {
  const folded = text === null ? null : fold(text);
  const createdAt = new Date().toISOString();
  await sql`
    insert into messages (message_id, from_msisdn, to_msisdn, ts, ts_key, text, folded, created_at, batch, place)
    values (${message_id}, ${from}, ${to}, ${ts}, ${instantKey(ts)}, ${text}, ${folded}, ${createdAt}, ${batch}, ${place++})
    on conflict do nothing`;
}
