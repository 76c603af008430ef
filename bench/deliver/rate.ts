// Everything that a log holds to one receiver, against a bare loop of the same client to the same
// receiver; and the memory that a long way to catch up takes.

import { join } from "node:path";
import type { Engine, Serve } from "../follow/engines.ts";
import type { Findings } from "../follow/findings.ts";
import { cpuMicros, residentBytes } from "../processes.ts";
import { type Scratch, track } from "../scratch.ts";
import { stopServer } from "../servers.ts";
import { withDestinations } from "./configuration.ts";
import type { Received } from "./receiver.ts";
import { withReceivers } from "./receivers.ts";
import { type Expected, expectedOf, receivedProblems, recordsOf, writeDeliveries } from "./requests.ts";

const concurrency = 64;
const orders = ["none", "sender"] as const;
type Order = (typeof orders)[number];
/** Of the bare loop's rate. */
const shareMin: Record<Order, number> = { none: 0.5, sender: 0.4 };
const sampleMs = 100;
/** What a long way may take more than a short one: what the runtime's heap gives back late. */
const moreMibMax = 64;

type Run = { perSecond: number; cpuUs: number; residentMib: number[] };

/** The bare loop and both orders take turns; every other round in the opposite order. */
export async function measureRate(
  scratch: Scratch,
  engine: Engine,
  { rounds, records }: { rounds: number; records: number },
  findings: Findings,
): Promise<void> {
  await engine.onStored(records, async (serve) => {
    const path = join(scratch.folder, "deliveries.ndjson");
    const reader = await serve();
    const expected = await writeDeliveries(path, reader);
    await stopServer(reader);
    if (expected.size !== records)
      findings.problems.push(`the log holds ${expected.size} of ${records} records`);
    for (let round = 1; round <= rounds; round++) {
      const rates = new Map<Order | "bare", number>();
      const turns = ["bare", ...orders] as const;
      for (const turn of round % 2 === 0 ? turns.toReversed() : turns) {
        if (turn === "bare") rates.set(turn, await runBare(scratch, path, expected, findings));
        else {
          const { perSecond, cpuUs } = await runDelivery(scratch, serve, turn, expected, findings);
          rates.set(turn, perSecond);
          findings.add(engine.name, `order ${turn}: CPU µs/record`, cpuUs, 1);
        }
        console.error(`bench: ${engine.name}, ${turn}: ${Math.round(rates.get(turn) ?? 0)}/s`);
      }
      const bare = rates.get("bare") ?? Number.NaN;
      findings.add(engine.name, `bare loop of ${concurrency}, requests/s`, bare, 0);
      for (const order of orders) {
        const rate = rates.get(order) ?? Number.NaN;
        findings.add(engine.name, `order ${order}: records/s`, rate, 0);
        findings.add(engine.name, `order ${order}: ÷ bare loop`, rate / bare, 3, {
          atLeast: shareMin[order],
        });
      }
    }
  });
}

/** A destination that is so many records behind, and one that is less. */
export async function measureMemory(
  scratch: Scratch,
  engine: Engine,
  { behind }: { behind: number[] },
  findings: Findings,
): Promise<void> {
  const peaks: number[] = [];
  for (const records of behind) {
    const run = await engine.onStored(records, async (serve) => {
      const reader = await serve();
      const expected = expectedOf(await recordsOf(reader));
      await stopServer(reader);
      return runDelivery(scratch, serve, "sender", expected, findings);
    });
    const peak = Math.max(...run.residentMib);
    const add = (name: string, value: number) =>
      findings.add(engine.name, `${records.toLocaleString("en-US")} behind: ${name}`, value, 0);
    add("resident MiB at the most", peak);
    add("resident MiB at the end", run.residentMib.at(-1) ?? Number.NaN);
    add("records/s", run.perSecond);
    peaks.push(peak);
  }
  const more = (peaks.at(-1) ?? Number.NaN) - (peaks[0] ?? Number.NaN);
  findings.add(engine.name, "resident MiB more with the most behind", more, 0, { atMost: moreMibMax });
}

function runBare(scratch: Scratch, path: string, expected: Expected, findings: Findings): Promise<number> {
  return withReceivers(scratch, 1, async ({ urls: [url = ""], got }) => {
    const argv = [process.execPath, join(import.meta.dir, "bare-loop.ts"), path, url, String(concurrency)];
    const loop = track(scratch, Bun.spawn(argv, { stdout: "inherit", stderr: "inherit" }));
    const [received = { ids: [], ms: [] }] = await got(expected.size);
    if ((await loop.exited) !== 0) throw new Error("the bare loop failed");
    findings.problems.push(
      ...receivedProblems(expected, received, false).map((each) => `bare loop: ${each}`),
    );
    return perSecond(received);
  });
}

/** Of a service that does nothing else. */
function runDelivery(
  scratch: Scratch,
  serve: Serve,
  order: Order,
  expected: Expected,
  findings: Findings,
): Promise<Run> {
  return withReceivers(scratch, 1, async ({ urls: [url = ""], got }) => {
    const server = await serve(withDestinations(scratch, [{ url, order, concurrency }]));
    const { pid } = server.process;
    const residentMib: number[] = [];
    const sample = () => residentMib.push(residentBytes(pid) / 2 ** 20);
    const cpuBefore = cpuMicros(pid);
    const sampling = setInterval(sample, sampleMs);
    const [received = { ids: [], ms: [] }] = await got(expected.size);
    clearInterval(sampling);
    sample();
    const cpuUs = (cpuMicros(pid) - cpuBefore) / expected.size;
    const problems = [
      ...receivedProblems(expected, received, order === "sender"),
      ...(await stopServer(server)),
    ];
    findings.problems.push(...problems.map((each) => `order ${order}, ${expected.size} records: ${each}`));
    return { perSecond: perSecond(received), cpuUs, residentMib };
  });
}

/** From the first request to the last. */
function perSecond({ ms }: Received): number {
  return (ms.length * 1000) / ((ms.at(-1) ?? Number.NaN) - (ms[0] ?? Number.NaN));
}
