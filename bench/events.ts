// What reads of events cost as events grow: databases of some sizes, one client on a server that
// does nothing else. Every answer is held to what was generated.

import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readOptions, wholeNumber, withScratch } from "./command-line.ts";
import { quotient } from "./growth/figures.ts";
import { untilCaughtUp } from "./growth/lag.ts";
import { machineLine } from "./machine.ts";
import { median } from "./report.ts";
import { type Scratch, track } from "./scratch.ts";
import { databaseName, host, posternCommand, serverKind, startServer, stopServer } from "./servers.ts";

const usage = "bun bench/events.ts [--sizes 10000,1000000] [--dir FOLDER]";
const kinds = ["status", "status", "status", "reaction", "callback"] as const;
const sources = ["whatsapp", "sms"] as const;
/** Of one WhatsApp message: sent, delivered, read. */
const eventsAMessage = 3;
const firstMs = Date.UTC(2025, 0, 1);
const yearMs = 365 * 24 * 3600 * 1000;
const warmUps = 5;
const samples = 30;

type Case = { name: string; path: string; total: number };

const options = readOptions(() => {
  const { values } = parseArgs({
    options: {
      sizes: { type: "string", default: "10000,1000000" },
      dir: { type: "string", default: tmpdir() },
    },
  });
  return { sizes: values.sizes.split(",").map((size) => wholeNumber("sizes", size)), dir: values.dir };
}, usage);

const sourceOf = (index: number) => sources[index % sources.length] as string;
const kindOf = (index: number) => kinds[index % kinds.length] as string;
/** Every other event of a kind. */
const typeOf = (index: number) => (Math.floor(index / kinds.length) % 2 === 0 ? "read" : "sent");
const instantOf = (index: number, size: number) =>
  `${new Date(firstMs + Math.floor((index * yearMs) / size)).toISOString().slice(0, 19)}Z`;
const messageOf = (index: number) => `${sourceOf(0)}:${Math.floor(index / eventsAMessage)}`;

function casesOf(size: number): Case[] {
  const numbers = Array.from({ length: size }, (_, index) => index);
  const count = (matches: (index: number) => boolean) => numbers.filter(matches).length;
  const since = instantOf(size >> 1, size);
  return [
    { name: "first page", path: "", total: size },
    { name: "offset half", path: `offset=${size >> 1}`, total: size },
    { name: "source", path: "source=sms", total: count((index) => sourceOf(index) === "sms") },
    { name: "kind", path: "kind=reaction", total: count((index) => kindOf(index) === "reaction") },
    {
      name: "source and kind",
      path: "source=sms&kind=callback",
      total: count((index) => sourceOf(index) === "sms" && kindOf(index) === "callback"),
    },
    { name: "since", path: `since=${since}`, total: count((index) => instantOf(index, size) >= since) },
    { name: "type", path: "type=read", total: count((index) => typeOf(index) === "read") },
    {
      name: "a text of a source's",
      path: "source=sms&q=delivered",
      total: count((index) => sourceOf(index) === "sms"),
    },
    {
      name: "one message's",
      path: `message_id=${messageOf(size >> 1)}`,
      total: count((index) => messageOf(index) === messageOf(size >> 1)),
    },
  ];
}

async function build(scratch: Scratch, folder: string, size: number): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const database = join(folder, databaseName);
  const child = track(
    scratch,
    Bun.spawn(posternCommand("import", "-"), {
      stdin: "pipe",
      stdout: "ignore",
      stderr: "inherit",
      env: { DATABASE_URL: `sqlite:///${database}` },
    }),
  );
  for (let index = 0; index < size; index++) {
    const seq = index + 1;
    const key = Bun.hash(String(index)).toString(36);
    const body = `{"id":"${key}","status":"delivered","timestamp":"1736935200","recipient_id":"919876543210"}`;
    const ts = instantOf(index, size);
    const records = [
      { delivery: seq, body_base64: Buffer.from(body).toString("base64") },
      {
        ...{
          seq,
          source: sourceOf(index),
          kind: kindOf(index),
          type: typeOf(index),
          event_key: key,
          message_id: messageOf(index),
        },
        ...{ ts, created_at: ts, delivery: seq, start: 0, stop: body.length },
      },
    ];
    child.stdin.write(`${records.map((record) => JSON.stringify(record)).join("\n")}\n`);
    if (index % 1000 === 0) await child.stdin.flush();
  }
  await child.stdin.end();
  if ((await child.exited) !== 0) throw new Error(`the import of ${size} events failed`);
}

async function measure(
  scratch: Scratch,
  folder: string,
  size: number,
  found: Map<string, number[]>,
): Promise<string[]> {
  const server = await startServer(serverKind("postern"), scratch, folder);
  await untilCaughtUp(server);
  const problems: string[] = [];
  for (const { name, path, total } of casesOf(size)) {
    const times: number[] = [];
    for (let done = 0; done < warmUps + samples; done++) {
      const startedNs = Bun.nanoseconds();
      const answer = await fetch(`http://${host}:${server.port}/events?${path}`);
      const page = (await answer.json()) as { total: number };
      if (done >= warmUps) times.push((Bun.nanoseconds() - startedNs) / 1_000_000);
      if (page.total !== total) problems.push(`${name} at ${size}: ${page.total} instead of ${total}`);
    }
    found.set(name, [...(found.get(name) ?? []), median(times)]);
  }
  return [...problems, ...(await stopServer(server))];
}

function print(found: Map<string, number[]>): void {
  console.log(`${machineLine(options.dir, new Date())}\n`);
  const heads = options.sizes.map((size) => `${size.toLocaleString("en-US")} events, ms`);
  console.log(`| read | ${heads.join(" | ")} | largest ÷ smallest |`);
  console.log(`|---|${"--:|".repeat(heads.length + 1)}`);
  for (const [name, times] of found) {
    const grown = quotient(times.at(-1) ?? null, times[0] ?? null);
    const cells = [...times.map((ms) => ms.toFixed(2)), grown?.toFixed(2) ?? ""];
    console.log(`| ${name} | ${cells.join(" | ")} |`);
  }
}

await withScratch(options.dir, async (scratch) => {
  const found = new Map<string, number[]>();
  const problems: string[] = [];
  for (const size of options.sizes) {
    const folder = join(scratch.folder, String(size));
    await build(scratch, folder, size);
    problems.push(...(await measure(scratch, folder, size, found)));
  }
  print(found);
  for (const problem of problems) console.log(`INVALID: ${problem}`);
  return problems.length === 0 ? 0 : 1;
});
