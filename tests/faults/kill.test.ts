import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { type Folder, newFolder } from "../folder.ts";
import { until } from "../until.ts";
import { killLeftovers, Load, post, startPostern, storedIds } from "./postern-process.ts";

let folder: Folder;
beforeEach(() => {
  folder = newFolder();
});
afterEach(() => {
  killLeftovers();
  folder.remove();
});

const ROUNDS = Number(process.env["POSTERN_KILL_ROUNDS"] ?? 3);
const SENDERS = 24;

test(`after ${ROUNDS} kills under load every acknowledged message is there exactly once`, async () => {
  const database = join(folder.path, "app.db");
  const acknowledged = new Set<string>();
  const attempted = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const postern = await startPostern({ database });
    const load = new Load(postern.url, `r${round}`, SENDERS);
    // A different moment each round, by count rather than by time.
    await until("acknowledgements", () => load.acknowledged.size > 200 + 137 * (round % 7));
    postern.kill("SIGKILL");
    await postern.exited;
    await load.stop();
    for (const id of load.acknowledged) acknowledged.add(id);
    for (const id of load.attempted) attempted.add(id);
  }
  const postern = await startPostern({ database });
  const stored = await storedIds(postern.url);
  expect([...acknowledged].filter((id) => !stored.has(id))).toEqual([]);
  expect([...stored].filter(([, count]) => count !== 1)).toEqual([]);
  expect([...stored.keys()].filter((id) => !attempted.has(id))).toEqual([]);
  const unanswered = [...attempted].filter((id) => !acknowledged.has(id));
  for (const id of unanswered) {
    const answer = await post(postern.url, id);
    expect(answer?.headers.get("postern-result")).toBe(stored.has(id) ? "duplicate" : "ok");
  }
  expect((await storedIds(postern.url)).size).toBe(attempted.size);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
}, 600_000);

test("SIGTERM under load answers what was accepted, loses nothing and exits 0", async () => {
  const database = join(folder.path, "app.db");
  const postern = await startPostern({ database });
  const load = new Load(postern.url, "term", SENDERS);
  await until("acknowledgements", () => load.acknowledged.size > 300);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
  await load.stop();
  const again = await startPostern({ database });
  const stored = await storedIds(again.url);
  expect([...load.acknowledged].filter((id) => !stored.has(id))).toEqual([]);
  expect(load.refused.filter((status) => status !== 503)).toEqual([]);
  again.kill("SIGTERM");
  expect(await again.exited).toBe(0);
}, 60_000);
