/**
 * What a service with everything in use exposes is what docs/operations.md lists, and what
 * Prometheus's own linter takes.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { destinationTo } from "../deliver/destination.ts";
import { answers, newReceiver, type Receiver } from "../deliver/receiver.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { openStream } from "./event-stream.ts";
import { META, metaPost, status, text } from "./meta-posts.ts";
import { newService, type TestService } from "./service.ts";

const DOC = readFileSync(join(resolve(import.meta.dir, "../.."), "docs/operations.md"), "utf8");
const PROMTOOL = Bun.which("promtool");
if (PROMTOOL === null) console.log("skipped: a scrape by promtool (it is not installed)");

let service: TestService;
let receiver: Receiver;
let stream: Awaited<ReturnType<typeof openStream>>;
let scraped: string;
beforeAll(async () => {
  receiver = await newReceiver();
  receiver.behave((answer, received) =>
    answers(received.body.includes('"m0"') ? 500 : 200)(answer, received),
  );
  const destinations = [destinationTo(receiver.url, { order: "none", retryMs: [3_600_000] })];
  service = await newService({}, { sources: { wa: META }, destinations });
  stream = await openStream(`${service.url}/log/stream?kinds=all`);
  await service.get("/consumers/reader", { method: "PUT", body: "{}" });
  for (const id of ["m0", "m1", "m1"]) await service.post(message(id));
  await service.send("/webhook/wa", metaPost([text("1")], [status("1")]));
  await service.send("/webhook", { body: "{}" });
  await service.get("/nothing");
  await stream.has(4);
  scraped = await until("everything is counted", async () => {
    const answer = await (await service.get("/metrics")).text();
    const seen = [/^store_messages /m, /^postern_destination_attempts_total\{.*"success"\} 2$/m];
    return seen.every((each) => each.test(answer)) && answer;
  });
});
afterAll(async () => {
  stream.close();
  await service.stop();
  await receiver.close();
});

/** Each metric's labels; of one without a series undefined. */
function scrapedLabels(): Map<string, readonly string[] | undefined> {
  const found = new Map<string, readonly string[] | undefined>();
  for (const [, name = ""] of scraped.matchAll(/^# TYPE (\S+)/gm)) found.set(name, undefined);
  for (const [, series = "", labels = ""] of scraped.matchAll(/^([a-z_0-9]+)(?:\{(.*)\})? \S+$/gm)) {
    const name = found.has(series) ? series : series.replace(/_(bucket|sum|count)$/, "");
    const keys = [...labels.matchAll(/(\w+)="/g)].map(([, key = ""]) => key);
    found.set(name, keys.filter((key) => key !== "le").sort());
  }
  return found;
}

/** Of the first column of the section's table: each metric's labels. */
function listed(section: string): Map<string, readonly string[]> {
  const [, rest = ""] = DOC.split(`\n${section}\n`);
  const cells = [...(rest.split(/\n##+ /)[0] ?? "").matchAll(/^\| (`.*?`) \|/gm)].map(
    ([, cell = ""]) => cell,
  );
  return new Map(
    cells.flatMap((cell) =>
      [...cell.matchAll(/`([a-z_0-9]+)(?:\{([^}]*)\})?`/g)].map(
        ([, name = "", labels = ""]) =>
          [name, [...labels.matchAll(/(\w+)(?:="[^"]*")?/g)].map(([, key = ""]) => key).sort()] as const,
      ),
    ),
  );
}

test("docs/operations.md lists each metric with its labels, and none that there isn't", () => {
  const shown = listed("## What to watch");
  expect([...shown.keys()].sort()).toEqual([...scrapedLabels().keys()].sort());
  // A database server's disk has no series.
  for (const [name, labels] of scrapedLabels())
    if (labels !== undefined) expect([name, shown.get(name)]).toEqual([name, labels]);
});

test("a metric's name begins with postern_, but for those that docs/operations.md lists", () => {
  const without = [...scrapedLabels().keys()].filter(
    (name) => !/^(postern|process|nodejs_eventloop)_/.test(name),
  );
  expect(without.sort()).toEqual([...listed("### Names without a prefix").keys()].sort());
});

test("what was used has a series", () => {
  const empty = [...scrapedLabels()].filter(([, labels]) => labels === undefined).map(([name]) => name);
  expect(empty.filter((name) => !/^store_disk_/.test(name))).toEqual([]);
});

describe.skipIf(PROMTOOL === null)("promtool", () => {
  test("promtool objects to the name of request_latency_ms alone", async () => {
    const child = Bun.spawn([PROMTOOL ?? "", "check", "metrics"], {
      stdin: new TextEncoder().encode(scraped),
      stdout: "pipe",
      stderr: "pipe",
    });
    const said = (await Promise.all([child.stdout.text(), child.stderr.text()])).join("");
    await child.exited;
    const objections = said.split("\n").filter((line) => line !== "");
    expect(objections).toEqual(["request_latency_ms metric names should not contain abbreviated units"]);
  });
});
