import { describe, expect, test } from "bun:test";
import { growthOf, type Known, needsOf } from "./needs.ts";

const NOW = Date.parse("2026-11-29T12:00:00Z");
const GB = 1e9;
const calm: Known = {
  service: {
    ...{ version: "1", started_at: "2026-11-01T00:00:00Z", cant_store: null, messages: 900, events: 100 },
    ...{ queue_rows: 0, queue_rows_max: 1000, behind_rows: 0, behind_rows_max: 1000, read_lag_seconds: 0 },
    ...{ database_bytes: 800_000, index_bytes: 200_000, wal_bytes: 0 },
    ...{ disk_free_bytes: 500 * GB, disk_total_bytes: 1000 * GB, damaged_rows: 0, log_lines_dropped: 0 },
    ...{ latency_ms: [], commit_seconds: [] },
  },
  sources: [
    {
      ...{ source: "wa", configured: true, last_message_at: "2026-11-29T09:00:00Z", last_event_at: null },
      ...{
        last_hour: 5,
        last_day: 100,
        last_7_days: 700,
        refused_last_hour: 0,
        usual_per_hour: 5,
        quiet: false,
      },
    },
  ],
  destinations: [
    {
      ...{
        name: "app",
        url: null,
        filter: null,
        state: "ok",
        reason: null,
        since: null,
        position: "1",
        lag_records: 0,
      },
      ...{ lag_is_bound: false, lag_seconds: 0, put_aside: 0, dead: 0, next_attempt_at: null },
      ...{ attempts: { success: 1, failure: 0 }, answer_ms: { p50: 1, p99: 1 } },
    },
  ],
  ...{ refusals: [], refusedBefore: {}, isOpen: false, now: NOW },
};
const refused = (reason: string) => ({
  ...{
    at: "2026-11-29T11:59:00Z",
    source: "wa",
    client: "192.0.2.1",
    reason,
    method: "POST",
    path: "/webhook/wa",
  },
});

function withService(changes: Partial<Known["service"]>): Known {
  return { ...calm, service: { ...calm.service, ...changes } };
}
function withSource(changes: Partial<Known["sources"][number]>, more: Partial<Known> = {}): Known {
  return { ...calm, ...more, sources: calm.sources.map((source) => ({ ...source, ...changes })) };
}
function withDestination(changes: Partial<Known["destinations"][number]>): Known {
  return { ...calm, destinations: calm.destinations.map((each) => ({ ...each, ...changes })) };
}

describe("what needs a hand", () => {
  test("is nothing while all is well", () => {
    expect(needsOf(calm)).toEqual([]);
    expect(needsOf(withService({ disk_free_bytes: null, disk_total_bytes: null }))).toEqual([]);
    expect(needsOf(withSource({ quiet: true, configured: false }))).toEqual([]);
    expect(needsOf(withDestination({ reason: "refused", lag_seconds: 60 }))).toEqual([]);
  });

  test.each<[string, Known, RegExp, string]>([
    ["a store that can't commit", withService({ cant_store: "the disk is full" }), /disk is full/, "bad"],
    [
      "a disk with a tenth left",
      withService({ disk_free_bytes: 99 * GB }),
      /nearly full: 99 GB left/,
      "warn",
    ],
    // A hundred rows of 1,000 bytes a day.
    ["a disk that is full in days", withService({ disk_free_bytes: 1_000_000 }), /about 10 days/, "bad"],
    ["a queue that is half full", withService({ queue_rows: 501 }), /501 rows wait/, "bad"],
    ["an index that is behind", withService({ behind_rows: 501 }), /index is 501 rows behind/, "warn"],
    ["damaged rows", withService({ damaged_rows: 1 }), /1 stored row is damaged/, "bad"],
    ["dropped log lines", withService({ log_lines_dropped: 3 }), /3 log lines dropped/, "warn"],
    [
      "a destination that is down",
      withDestination({ state: "down", reason: "answered 500" }),
      /app fails/,
      "bad",
    ],
    [
      "a destination where a record fails, rather than that it lags",
      withDestination({ reason: "refused", lag_seconds: 600 }),
      /app fails/,
      "warn",
    ],
    ["a destination that is paused", withDestination({ state: "paused" }), /app is paused/, "warn"],
    ["what is given up", withDestination({ dead: 2 }), /2 records for app are given up/, "warn"],
    ["a destination that lags", withDestination({ lag_seconds: 600 }), /app is behind by 10 minutes/, "warn"],
    ["what is tried again", withDestination({ put_aside: 1 }), /1 record for app failed/, "note"],
    ["a quiet source", withSource({ quiet: true }), /wa has gone quiet/, "warn"],
    ["no token", { ...calm, isOpen: true }, /Nobody has to sign in/, "note"],
  ])("is %s", (_, known, words, tone) => {
    const [need, ...more] = needsOf(known);
    expect(need?.what).toMatch(words);
    expect(need?.tone).toBe(tone as never);
    expect(need?.advice).toEndWith(".");
    expect(more).toEqual([]);
  });

  test("is a source that refuses more than usual, with the most frequent reason", () => {
    const refusals = [
      refused("the header is missing"),
      refused("no secret made it"),
      refused("no secret made it"),
    ];
    const rising = (hour: number, before: readonly number[]) =>
      needsOf(withSource({ refused_last_hour: hour }, { refusals, refusedBefore: { wa: before } }));
    expect(rising(40, [10, 10, 10])).toMatchObject([
      {
        ...{
          what: "wa refuses more than usual: 40 in the last hour",
          advice: "Most often: no secret made it.",
        },
        place: { page: "sources", parameters: { name: "wa" } },
      },
    ]);
    expect(rising(20, [10, 10, 10])).toEqual([]);
    expect(rising(9, [])).toEqual([]);
    expect(rising(10, [])).toHaveLength(1);
  });

  test("has the most pressing first", () => {
    const known = { ...withService({ cant_store: "no" }), isOpen: true };
    const tones = needsOf({ ...known, destinations: withDestination({ state: "paused" }).destinations });
    expect(tones.map(({ tone }) => tone)).toEqual(["bad", "warn", "note"]);
  });
});

test("growth is the room of a row by the rows of a day", () => {
  expect(growthOf(calm)).toBe(100_000);
  expect(growthOf(withService({ messages: 0, events: 0 }))).toBeUndefined();
});
