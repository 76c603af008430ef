// `bun bench/dashboard.ts`: the dashboard in Chromium over a million messages: how soon it is
// there, how it scrolls and searches, what it weighs while messages come in, and what an open tab
// costs the service. Exit code 1 when a figure is beyond its bound.

import "../scripts/build-ui.ts";
import { readFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Browser, Page } from "playwright-core";
import { parseDatabaseUrl } from "../src/core/database-url.ts";
import { sign } from "../src/sources/native.ts";
import { openForTest } from "../tests/contract/open-for-test.ts";
import { CHROMIUM, launchBrowser } from "../tests/gate/browser.ts";
import { readOptions, wholeNumber, withScratch } from "./command-line.ts";
import { untilCaughtUp } from "./growth/lag.ts";
import { cpuMicros } from "./processes.ts";
import { secret } from "./requests.ts";
import type { Scratch } from "./scratch.ts";
import { host, type Server, serverKind, startServer, stopServer } from "./servers.ts";

const usage = "usage: bun bench/dashboard.ts [--messages 1000000] [--live 180] [--idle 30] [--dir FOLDER]";
const batchRows = 10_000;
const liveRate = 100;
const scrollMs = 5000;
/** Everything that Overview asks for comes once in that, at least. */
const overviewS = 60;
const requestsEach = 20;
const words = ["order", "invoice", "appointment", "delivery", "refund", "address", "tomorrow", "thanks"];

type Options = { messages: number; liveS: number; idleS: number; folder: string };
type Figure = { name: string; value: number; unit: string; max?: number };

await main(readOptions(parseOptions, usage));
// The store that was filled keeps its threads for another one.
process.exit();

function parseOptions(): Options {
  const { values } = parseArgs({
    options: {
      messages: { type: "string", default: "1000000" },
      live: { type: "string", default: "180" },
      idle: { type: "string", default: "30" },
      dir: { type: "string", default: tmpdir() },
    },
  });
  const { messages, live, idle, dir } = values;
  return {
    messages: wholeNumber("messages", messages),
    liveS: wholeNumber("live", live),
    idleS: wholeNumber("idle", idle),
    folder: dir,
  };
}

async function main(options: Options): Promise<void> {
  if (CHROMIUM === undefined) throw new Error("this needs chromium");
  await withScratch(options.folder, async (scratch) => {
    const load = loadavg()[0]?.toFixed(2);
    console.log(`${new Date().toISOString()}, ${cpus().length} × ${cpus()[0]?.model}, load before ${load}`);
    const figures = await measure(scratch, options);
    for (const { name, value, unit, max } of figures)
      console.log(`${name}: ${value.toFixed(1)} ${unit}${max === undefined ? "" : ` (at most ${max})`}`);
    return figures.some(({ value, max }) => max !== undefined && value > max) ? 1 : 0;
  });
}

async function measure(scratch: Scratch, options: Options): Promise<Figure[]> {
  const folder = join(scratch.folder, "dashboard");
  await fill(folder, options.messages);
  const server = await startServer(serverKind("postern"), scratch, folder);
  await untilCaughtUp(server);
  const browser = await launchBrowser("--enable-precise-memory-info");
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.addInitScript(watchPage);
    const figures = [
      ...(await measureOpening(page, server)),
      ...(await measureScrolling(page)),
      ...(await measureSearch(page)),
    ];
    // What the service does by itself; by now little is left of what filling it began.
    await page.goto("about:blank");
    const before = await processorShare(server, options.idleS);
    await page.goto(`http://${host}:${server.port}/ui/#/messages`);
    await page.locator(".connection.live").waitFor();
    const open = await processorShare(server, options.idleS);
    figures.push({
      name: "an idle tab's cost to the service",
      value: open - before,
      unit: "% of a core",
      max: 1,
    });
    await page.goto(`http://${host}:${server.port}/ui/#/overview`);
    await page.locator(".top-senders li").first().waitFor();
    figures.push(
      {
        name: "an open Overview's",
        value: (await processorShare(server, overviewS)) - before,
        unit: "% of a core",
        max: 1,
      },
      ...(await measureOverview(server)),
    );
    await page.goto(`http://${host}:${server.port}/ui/#/messages`);
    await page.locator(".connection.live").waitFor();
    figures.push(...(await measureLive(browser, page, server, options.liveS)));
    return figures;
  } finally {
    await browser.close();
    const problems = await stopServer(server);
    if (problems.length > 0) console.error(problems.join("\n"));
  }
}

async function fill(folder: string, messages: number): Promise<void> {
  await Bun.$`mkdir -p ${folder}`;
  const url = parseDatabaseUrl(`sqlite:///${join(folder, "app.db")}`);
  if (url === undefined) throw new Error("no database");
  const store = await openForTest(url);
  for (let from = 0; from < messages; from += batchRows)
    await store.append({
      messages: Array.from({ length: Math.min(batchRows, messages - from) }, (_, offset) =>
        messageOf(from + offset),
      ),
    });
  await store.close();
}

function messageOf(index: number) {
  const text = Array.from(
    { length: 12 },
    (_, place) => words[(index * 7 + place * place) % words.length],
  ).join(" ");
  const ts = new Date(1_700_000_000_000 + index * 1000).toISOString();
  return {
    message_id: `m${index}`,
    from: `+4917${index % 5000}`,
    to: "+14155550100",
    ts,
    text: `${index}: ${text}`,
  };
}

/** Runs in the page before its own scripts: notes when rows and marks come, and long frames. */
function watchPage(): void {
  const seen: Record<string, number> = {};
  const frames: number[] = [];
  Object.assign(globalThis, { seen, frames });
  const note = () => {
    const shown = (globalThis as unknown as { document: { querySelector: (text: string) => unknown } })
      .document;
    for (const [name, selector] of [
      ["rows", ".row:not(.lacking)"],
      ["mark", "mark"],
    ] as const)
      if (seen[name] === undefined && shown.querySelector(selector)) {
        seen[name] = -1;
        // When it is on the screen.
        requestAnimationFrame(() =>
          setTimeout(() => {
            seen[name] = performance.now();
          }),
        );
      }
  };
  let last = 0;
  const frame = (at: number) => {
    if (last > 0) frames.push(at - last);
    last = at;
    note();
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}
declare function requestAnimationFrame(task: (at: number) => void): void;

async function measureOpening(page: Page, { port }: Server): Promise<Figure[]> {
  const painted: number[] = [];
  const listed: number[] = [];
  // The first time Chromium itself is still waking up.
  for (let round = 0; round < 6; round++) {
    await page.goto("about:blank");
    await page.goto(`http://${host}:${port}/ui/`);
    await page.locator(".row:not(.lacking)").first().waitFor();
    await page.waitForTimeout(300);
    painted.push(
      Number(await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")),
    );
    listed.push(Number(await page.evaluate("seen.rows")));
  }
  return [
    { name: "first contentful paint, median of 6", value: median(painted), unit: "ms", max: 600 },
    { name: "the list is there, median of 6", value: median(listed), unit: "ms", max: 1000 },
  ];
}

async function measureScrolling(page: Page): Promise<Figure[]> {
  await page.mouse.move(600, 500);
  await page.evaluate("frames.length = 0");
  const until = performance.now() + scrollMs;
  while (performance.now() < until) {
    await page.mouse.wheel(0, 240);
    await page.waitForTimeout(16);
  }
  const frames = ((await page.evaluate("frames")) as number[]).toSorted((one, other) => one - other);
  return [
    {
      name: "frames while scrolling, 95 % within",
      value: frames[Math.floor(frames.length * 0.95)] ?? 0,
      unit: "ms",
      max: 50,
    },
    { name: "frames while scrolling, the longest", value: frames.at(-1) ?? 0, unit: "ms" },
  ];
}

async function measureSearch(page: Page): Promise<Figure[]> {
  const after: number[] = [];
  for (const searched of ["refund address", "invoice", "777:", "12: "]) {
    await page.getByRole("searchbox").fill("");
    await page.locator("mark").first().waitFor({ state: "detached" });
    await page.evaluate("delete seen.mark");
    await page.evaluate("performance.clearResourceTimings()");
    await page.getByRole("searchbox").fill(searched);
    await page.locator("mark").first().waitFor();
    await page.waitForTimeout(1000);
    const answered = await page.evaluate(
      "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/messages?q=')).at(-1).responseEnd",
    );
    after.push(Number(await page.evaluate("seen.mark")) - Number(answered));
  }
  return [
    {
      name: "search shown after the answer, the longest of 4",
      value: Math.max(...after),
      unit: "ms",
      max: 150,
    },
  ];
}

/** What Overview asks for, one after the other, and each alone. */
async function measureOverview({ port, process: { pid } }: Server): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const path of [
    ...["/stats/service", "/stats/sources", "/stats/refusals?limit=200", "/destinations"],
    ...["/stats/series?of=records&step=minute&by=source", "/stats/series?of=records&step=day&by=source"],
    ...["/stats/series?of=requests&step=hour&by=source,result", "/stats"],
  ]) {
    const took: number[] = [];
    const before = cpuMicros(pid);
    for (let round = 0; round < requestsEach; round++) {
      const startedAt = performance.now();
      const answer = await fetch(`http://${host}:${port}${path}`);
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      took.push(performance.now() - startedAt);
    }
    const cpuMs = (cpuMicros(pid) - before) / 1000 / requestsEach;
    figures.push({
      name: `${path}, median of ${requestsEach}; ${cpuMs.toFixed(1)} ms of the processor`,
      value: median(took),
      unit: "ms",
    });
  }
  return figures;
}

async function measureLive(browser: Browser, page: Page, server: Server, seconds: number): Promise<Figure[]> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const startedAt = performance.now();
  let sent = 0;
  await page.evaluate("frames.length = 0");
  while (performance.now() - startedAt < seconds * 1000) {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * liveRate);
    const posts = Array.from({ length: Math.max(0, due - sent) }, () => {
      const now = new Date().toISOString();
      const body = JSON.stringify({ ...messageOf(sent++), message_id: `live${sent}`, ts: now });
      const headers = { "X-Signature": sign(secret, body) };
      return fetch(`http://${host}:${server.port}/webhook`, { method: "POST", body, headers });
    });
    await Promise.all(posts);
    await Bun.sleep(20);
  }
  await page
    .getByText(`live`)
    .first()
    .waitFor({ state: "attached", timeout: 1 })
    .catch(() => undefined);
  const renderers = processInfo
    .filter(({ type }) => type === "renderer")
    .map(({ id }) => proportionalBytes(id));
  const frames = ((await page.evaluate("frames")) as number[]).toSorted((one, other) => one - other);
  const heap = Number(await page.evaluate("performance.memory.usedJSHeapSize"));
  return [
    {
      name: `the tab's memory after ${seconds} s at ${liveRate} a second`,
      value: Math.max(...renderers) / 1e6,
      unit: "MB",
      max: 150,
    },
    { name: "of it the heap of scripts", value: heap / 1e6, unit: "MB" },
    {
      name: "frames meanwhile, 95 % within",
      value: frames[Math.floor(frames.length * 0.95)] ?? 0,
      unit: "ms",
    },
  ];
}

/** What processes share counts for each by its part. */
function proportionalBytes(pid: number): number {
  const kibibytes = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1];
  return Number(kibibytes) * 1024;
}

async function processorShare({ process: { pid } }: Server, seconds: number): Promise<number> {
  const before = cpuMicros(pid);
  await Bun.sleep(seconds * 1000);
  return (cpuMicros(pid) - before) / (seconds * 10_000);
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
