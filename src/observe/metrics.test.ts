import { expect, test } from "bun:test";
import { Metrics } from "./metrics.ts";

test("a figure has no series while nobody knows it, and none that is no number", async () => {
  const metrics = new Metrics({ version: "test", runtime: "test" });
  let known: number | undefined;
  metrics.watchStore(() => ({
    storedMessages: known,
    storedEvents: known,
    queueRows: 0,
    queueRowsMax: 1,
    disk: undefined,
    databaseBytes: known,
    walBytes: 0,
    indexBytes: 0,
    followerLagRows: {},
    readLagSeconds: 0,
  }));
  const series = async () =>
    (await metrics.expose())
      .split("\n")
      .filter((line) => /^store_(messages|events|database_bytes) /.test(line));
  expect(await series()).toEqual([]);
  known = 7;
  expect(await series()).toEqual(["store_messages 7", "store_events 7", "store_database_bytes 7"]);
  known = undefined;
  expect(await series()).toEqual([]);
});
