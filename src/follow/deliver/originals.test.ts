/** Of a POST's records exactly one stands for it, whoever asks, and wherever they begin. */
import { expect, test } from "bun:test";
import { destinationTo } from "../../../tests/deliver/destination.ts";
import { fc } from "../../../tests/property.ts";
import type { ChangesQuery } from "../../core/changes.ts";
import type { EventRecord } from "../../core/log-record.ts";
import type { Store } from "../../core/store.ts";
import { systemClock } from "../../lib/clock.ts";
import { Turns } from "../../lib/turns.ts";
import { followedRecords } from "../followed-record.ts";
import { Originals } from "./originals.ts";

const KINDS = ["status", "edit", "other"] as const;
type Wanted = (typeof KINDS)[number];

/** Of each POST the kinds of its records. */
function logOf(posts: readonly (readonly Wanted[])[]): EventRecord[] {
  const records: EventRecord[] = [];
  for (const kinds of posts) {
    const delivery = records.length + 1;
    for (const kind of kinds)
      records.push({
        ...{ seq: records.length + 1, source: "wa", kind, type: null, event_key: `e${records.length}` },
        ...{ message_id: null, ts: "2025-01-15T10:00:00Z", created_at: "2025-01-15T10:00:00.000Z" },
        ...{ delivery, start: 0, stop: 1 },
      });
  }
  return records;
}

function originalsOf(log: readonly EventRecord[], kinds: readonly Wanted[]): Originals {
  const changes = async ({ after, limit, filter }: ChangesQuery) => {
    const matches = ({ seq, kind }: EventRecord) => seq > after && (filter?.kinds ?? KINDS).includes(kind);
    const records = log.filter(matches).slice(0, limit);
    const bodies = new Map(records.map(({ delivery }) => [delivery, Buffer.from(`${delivery}`)]));
    return { log: "l", records, bodies, position: "l.0", more: false, isLost: false };
  };
  return new Originals({
    config: destinationTo("https://example.org/", {
      ...{ kinds, sources: ["wa"], originals: { wa: { kind: "meta", secret: "x" } } },
    }),
    following: { store: { changes } as unknown as Store, turns: new Turns(2), clock: systemClock },
    openOriginal:
      () =>
      ({ body }) => ({ headers: {}, body }),
  });
}

test("each POST is sent by the first of its records that matches, in any order, also after a restart", async () => {
  const post = fc.array(fc.constantFrom(...KINDS), { minLength: 1, maxLength: 5 });
  const inputs = fc.record({
    posts: fc.array(post, { minLength: 1, maxLength: 6 }),
    kinds: fc.uniqueArray(fc.constantFrom(...KINDS), { minLength: 1 }),
    isBackwards: fc.boolean(),
    restartsAt: fc.nat(20),
  });
  await fc.assert(
    fc.asyncProperty(inputs, async ({ posts, kinds, isBackwards, restartsAt }) => {
      const log = logOf(posts);
      const records = log.filter(({ kind }) => kinds.includes(kind as Wanted));
      const all = { log: "l", records, bodies: new Map(), position: "", more: false, isLost: false };
      const followed = followedRecords(all, false);
      let originals = originalsOf(log, kinds);
      const sent: number[] = [];
      for (const [index, each] of (isBackwards ? followed.toReversed() : followed).entries()) {
        if (index === restartsAt) originals = originalsOf(log, kinds);
        const found = await originals.of(each, "", { kinds });
        if (found !== "another" && "body" in found) sent.push(each.seq);
      }
      const firsts = new Map(records.toReversed().map(({ delivery, seq }) => [delivery, seq]));
      expect(sent.toSorted((a, b) => a - b)).toEqual([...firsts.values()].toSorted((a, b) => a - b));
    }),
  );
});

test("a request that isn't in the log any more is said, and is about the record", async () => {
  const originals = originalsOf([], ["status"]);
  const records = logOf([["status"]]);
  const page = { log: "l", records, bodies: new Map(), position: "", more: false, isLost: false };
  const [followed] = followedRecords(page, false);
  if (followed === undefined) throw new Error("no record");
  expect(await originals.of(followed, "")).toMatchObject({ isDelivered: false, cause: "rejected" });
});
