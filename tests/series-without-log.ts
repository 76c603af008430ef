/** That numbers over time never look at the log, on whichever engine keeps them. */
import { expect } from "bun:test";
import { STEPS } from "../src/core/series.ts";
import type { Store } from "../src/core/store.ts";
import { message } from "./messages.ts";

/** Resolves with the store that is open then. `rename` is of a table, from one name to another. */
export async function readsNumbersWithoutLog(
  open: () => Promise<Store>,
  rename: (from: string, to: string) => unknown,
): Promise<Store> {
  const first = await open();
  await first.append({ messages: [message("m")] });
  const { position: to } = await first.changesCounts({ after: 0 });
  const counts = STEPS.map((step) => ({ step, at: 0, source: "wa", what: "message", rows: 3 }));
  await first.series.count({ from: null, to, counts, last: [{ source: "wa", what: "message", at: "x" }] });
  await first.close();
  const store = await open();
  for (const table of ["messages", "events"]) await rename(table, `${table}_gone`);
  const holder = "b0b5e1d0-0000-4000-8000-000000000001";
  await store.series.add({ holder, number: 1, counts, refusals: [] });
  for (const of of ["records", "requests"] as const)
    for (const step of STEPS)
      for (const by of [["source", "what"], ["source"], ["what"]] as const)
        expect(await store.series.read({ of, step, from: 0, to: 86_400, by, seriesMax: 1 })).toMatchObject([
          { counts: expect.arrayContaining([3]) },
        ]);
  expect(await store.series.state()).toEqual({ position: to, at: "x" });
  expect(await store.series.lastRecords()).toHaveLength(1);
  expect(await store.series.refusals({ limit: 1 })).toEqual([]);
  for (const table of ["messages", "events"]) await rename(`${table}_gone`, table);
  return store;
}
