// Messages at a steady rate, and receivers that get each of them: how long one alone takes from its
// 200 to the receiver, and what four destinations cost those who send.

import type { Engine } from "../follow/engines.ts";
import { type Findings, percentile } from "../follow/findings.ts";
import { type Sent, sendAtRate } from "../follow/sender.ts";
import type { Message } from "../messages.ts";
import { defaultMessages } from "../requests.ts";
import type { Scratch } from "../scratch.ts";
import { withDestinations } from "./configuration.ts";
import { withReceivers } from "./receivers.ts";
import { expectedOf, receivedProblems } from "./requests.ts";

const to = "+14155550100";
/** So few that each is over before the next one comes. */
const alonePerSecond = 20;
const aloneMsMax = 10;
const warmUpSeconds = 2;
const ingestPerSecond = 1000;
const destinations = 4;
/** Of what the slowest answers take without a destination. */
const ingestRatioMax = 1.5;

type Plan = { rounds: number; seconds: number };

/** One destination, and messages so far apart that none waits for another. */
export async function measureAlone(
  scratch: Scratch,
  engine: Engine,
  { rounds, seconds }: Plan,
  findings: Findings,
): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const { sent, firstMs } = await send(
      scratch,
      engine,
      1,
      { perSecond: alonePerSecond, seconds },
      findings,
    );
    const waits = sent.map(({ id, answeredMs }) => (firstMs.get(id) ?? Number.NaN) - answeredMs);
    const add = (name: string, value: number, bound = {}) =>
      findings.add(engine.name, `one alone: ${name}`, value, 2, bound);
    const bound = engine.name === "sqlite" ? { atMost: aloneMsMax } : {};
    add("from the 200 to the receiver, p50 ms", percentile(waits, 0.5), bound);
    add("from the 200 to the receiver, p99 ms", percentile(waits, 0.99));
    add("the 200 itself, p50 ms", percentile(sent.map(answerMs), 0.5));
  }
}

/** With and without destinations, each on a server and an empty database of its own. */
export async function measureIngest(
  scratch: Scratch,
  engine: Engine,
  { rounds, seconds }: Plan,
  findings: Findings,
): Promise<void> {
  const load = { perSecond: ingestPerSecond, seconds };
  for (let round = 1; round <= rounds; round++) {
    const p99 = new Map<number, number>();
    for (const count of round % 2 === 0 ? [destinations, 0] : [0, destinations]) {
      const { sent } = await send(scratch, engine, count, load, findings);
      const [p50, high] = [0.5, 0.99].map((part) => percentile(sent.map(answerMs), part)) as [number, number];
      p99.set(count, high);
      findings.add(engine.name, `ingest with ${count} destinations: the 200's p50, ms`, p50, 2);
      findings.add(engine.name, `ingest with ${count} destinations: the 200's p99, ms`, high, 2);
    }
    const ratio = (p99.get(destinations) ?? Number.NaN) / (p99.get(0) ?? Number.NaN);
    findings.add(engine.name, `ingest with ${destinations} destinations: p99 ÷ without`, ratio, 2, {
      atMost: ingestRatioMax,
    });
  }
}

/** What was sent after a warm-up, and when the first receiver saw each. */
function send(
  scratch: Scratch,
  engine: Engine,
  count: number,
  { perSecond, seconds }: { perSecond: number; seconds: number },
  findings: Findings,
): Promise<{ sent: Sent[]; firstMs: ReadonlyMap<string, number> }> {
  const warmUp = defaultMessages({ first: 0, count: warmUpSeconds * perSecond, to });
  const measured = defaultMessages({ first: warmUpSeconds * perSecond, count: seconds * perSecond, to });
  const all = [...warmUp, ...measured];
  const expected = expectedOf(all);
  const ids = [...expected.keys()];
  return withReceivers(scratch, Math.max(1, count), ({ urls, got }) =>
    engine.onEmpty(
      async ({ server, stop }) => {
        await sendAtRate(server.port, all.slice(0, warmUpSeconds * perSecond), perSecond);
        const sent = await sendAtRate(server.port, all.slice(warmUpSeconds * perSecond), perSecond);
        const received = count === 0 ? [] : await got(all.length);
        const problems = received.flatMap((each) => receivedProblems(expected, each, false));
        findings.problems.push(...problems, ...(await stop()));
        return { sent, firstMs: seenAt(all, ids, received[0]) };
      },
      count === 0
        ? {}
        : withDestinations(
            scratch,
            urls.map((url) => ({ url })),
          ),
    ),
  );
}

/** By the message's identifier; the receiver knows the record's. */
function seenAt(
  all: Message[],
  ids: string[],
  received: { ids: string[]; ms: number[] } = { ids: [], ms: [] },
): ReadonlyMap<string, number> {
  const at = new Map(received.ids.map((id, index) => [id, received.ms[index] ?? Number.NaN]));
  return new Map(
    all.map(({ message_id }, index) => [message_id, at.get(ids[index] ?? "") ?? Number.NaN] as const),
  );
}

const answerMs = ({ sentMs, answeredMs }: Sent): number => answeredMs - sentMs;
