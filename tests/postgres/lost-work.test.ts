/** What the runtime never answers, nor fails. */
import { expect, test } from "bun:test";
import { Connection } from "../../src/storage/postgres/connection/connection.ts";
import { failureOf } from "../../src/storage/postgres/connection/failures.ts";
import { newPostgresDatabase } from "./server.ts";

const HANG_MS = 200;

test("a transaction that never ends is lost after its time, and the next one has sessions of its own", async () => {
  const database = await newPostgresDatabase();
  const connection = new Connection(database.url, { connectionsMax: 1, connectTimeoutS: 5 });
  const never = new Promise<never>(() => undefined);
  for (const begin of [
    () => connection.transaction("read write", () => never, HANG_MS),
    () => connection.commit("select 1", () => never, HANG_MS),
  ]) {
    const error = await begin().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(failureOf(error).kind).toBe("lost");
    expect(await connection.run("select 1 as one")).toEqual([{ one: 1 }]);
  }
  await connection.close(1);
  await database.drop();
}, 120_000);
