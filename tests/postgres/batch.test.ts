/** What a group of intakes costs the server, by its statements. */
import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import * as instant from "../../src/core/instant.ts";
import { Connection } from "../../src/storage/postgres/connection/connection.ts";
import { writeBatch } from "../../src/storage/postgres/ingest/batch.ts";
import { makeTables } from "../databases/postgres.ts";
import { message } from "../messages.ts";
import { recorded } from "./recorded-session.ts";
import { newPostgresDatabase, type PostgresDatabase } from "./server.ts";

const START_MS = 120_000;
const CREATED_AT = "2025-01-15T10:00:00.000Z";

let database: PostgresDatabase;
let connection: Connection;
beforeAll(async () => {
  database = await newPostgresDatabase();
  await makeTables(database.url);
  connection = new Connection(database.url, { connectionsMax: 1, connectTimeoutS: 5 });
}, START_MS);
afterAll(async () => {
  await connection.close();
  await database.drop();
});

/**
 * Stores POSTs with these bodies, one message each, as one group; how many statements stored their
 * bodies.
 */
async function statementsFor(name: string, bodies: readonly Uint8Array[]): Promise<number> {
  const span = { start: 0, end: 0 };
  const group = bodies.map((body, index) => ({
    createdAt: CREATED_AT,
    intake: {
      messages: [message(`wa:${name}-${index}`)],
      post: { source: "wa", body, details: [{ type: "text", span }], events: [] },
    },
  }));
  return connection.transaction("read write", async (begun) => {
    const session = recorded(begun);
    const { record } = await writeBatch(session, crypto.randomUUID(), group);
    await session.script(record);
    return session.texts.filter((text) => text.includes("into deliveries")).length;
  });
}

const storedFor = (name: string) =>
  database.query<{ body: Uint8Array }>(
    `select d.body from messages m join deliveries d using (batch, delivery)
     where m.message_id like 'wa:${name}-%' order by d.delivery`,
  );

test("the bodies of a group's POSTs go in one statement", async () => {
  const bodies = Array.from({ length: 200 }, (_, index) => Buffer.from(`{"number":${index},"x":"\u00e9"}`));
  expect(await statementsFor("small", bodies)).toBe(1);
  expect((await storedFor("small")).map(({ body }) => Buffer.from(body))).toEqual(bodies);
});

test("large bodies go in several statements, so that none holds more than a few megabytes", async () => {
  const sizes = [100, 5_000_000, 1_000_000, 2_000_000, 2_000_000, 100];
  const bodies = sizes.map((size, index) => Buffer.alloc(size, index));
  expect(await statementsFor("large", bodies)).toBe(4);
  expect(
    (await storedFor("large")).map(({ body }) =>
      Buffer.from(body).equals(bodies[body[0] ?? 0] ?? Buffer.alloc(0)),
    ),
  ).toEqual(sizes.map(() => true));
});

test("events that are new cost no look at what is stored, and what comes again two", async () => {
  const looks = async (...bodies: readonly string[]) =>
    connection.transaction("read write", async (begun) => {
      const session = recorded(begun);
      const group = bodies.map((body) => ({
        createdAt: CREATED_AT,
        intake: {
          messages: [],
          post: {
            source: "wa",
            body: Buffer.from(body),
            details: [],
            events: [...body].map((key, start) => ({
              kind: "status" as const,
              type: null,
              key: `look-${key}`,
              messageId: null,
              ts: "2025-01-15T10:00:00Z",
              span: { start, end: start + 1 },
            })),
          },
        },
      }));
      await session.script((await writeBatch(session, crypto.randomUUID(), group)).record);
      return session.texts.filter((text) => text.startsWith("select")).length;
    });
  expect(await looks("ab", "cd")).toBe(0);
  expect(await looks("ab", "cde")).toBe(2);
});

test("the key of an instant is made once a message", async () => {
  using made = spyOn(instant, "instantKey");
  await statementsFor("keys", [Buffer.from("1"), Buffer.from("2"), Buffer.from("3")]);
  expect(made).toHaveBeenCalledTimes(3);
});
