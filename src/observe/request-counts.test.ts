import { expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import type { Buckets } from "./buckets.ts";
import { RequestCounts } from "./request-counts.ts";

const request = fc.record({
  method: fc.constantFrom("GET", "POST"),
  path: fc.constantFrom("/webhook", "/messages", "unmatched"),
  status: fc.constantFrom(200, 503),
  latencyMs: fc.oneof(fc.constantFrom(0, 0.5, 100, 500, 5000), fc.double({ min: 0, max: 9000, noNaN: true })),
});

test("requests are counted by method, path and status, and their times by path and all together", () => {
  fc.assert(
    fc.property(fc.array(request), (requests) => {
      const counts = new RequestCounts();
      for (const { method, path, status, latencyMs } of requests)
        counts.count(method, path, status, latencyMs);
      const within = (all: typeof requests, ms: number) =>
        all.filter(({ latencyMs }) => latencyMs <= ms).length;
      const agree = (buckets: Buckets, all: typeof requests, unitMs: number) => {
        for (const { bound, count } of buckets.cumulative()) expect(count).toBe(within(all, bound * unitMs));
        expect(buckets.sum * unitMs).toBeCloseTo(
          all.reduce((sum, { latencyMs }) => sum + latencyMs, 0),
          6,
        );
      };
      for (const { labels, count } of counts.series) {
        const same = requests.filter(
          ({ method, path, status }) => `${method} ${path} ${status}` === Object.values(labels).join(" "),
        );
        expect(count).toBe(same.length);
      }
      const durations = [...counts.durations()];
      expect(durations.map(({ labels }) => labels["path"]).toSorted()).toEqual(
        [...new Set(requests.map(({ path }) => path))].sort(),
      );
      for (const { labels, buckets } of durations)
        agree(
          buckets,
          requests.filter(({ path }) => path === labels["path"]),
          1000,
        );
      agree(counts.latencyMs, requests, 1);
    }),
  );
});

test("bounds in seconds are written as one would write them", () => {
  const counts = new RequestCounts();
  counts.count("GET", "/messages", 200, 1);
  const bounds = [...counts.durations()].flatMap(({ buckets }) => buckets.cumulative());
  expect(bounds.map(({ bound }) => String(bound)).join(" ")).toBe(
    "0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 Infinity",
  );
});
