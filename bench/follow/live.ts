// Messages at a steady rate, and streams that get each of them: how long from a message's 200 to a
// client, and what twenty clients cost those who send.

import { defaultMessages } from "../requests.ts";
import type { Scratch } from "../scratch.ts";
import type { Server } from "../servers.ts";
import { openStreams } from "./clients.ts";
import type { Engine } from "./engines.ts";
import { type Findings, percentile } from "./findings.ts";
import { type Sent, sendAtRate } from "./sender.ts";
import type { Arrival } from "./streams.ts";

const everything = "/log/stream?after=now";
const to = "+14155550100";
const warmUpSeconds = 2;
const arrivalPerSecond = 100;
/** From a message's 200 to the client, the middle one. */
const arrivalMsMax = { sqlite: 5, postgres: 150 };
const fanOutPerSecond = 250;
const fanOutStreams = 20;

type Plan = { rounds: number; seconds: number };

/** One stream that gets everything. */
export async function measureArrival(
  scratch: Scratch,
  engine: Engine,
  { rounds, seconds }: Plan,
  findings: Findings,
): Promise<void> {
  for (let round = 1; round <= rounds; round++)
    await engine.onEmpty(async ({ server, stop }) => {
      const send = sender(server, arrivalPerSecond);
      await send(warmUpSeconds);
      const { sent, streams } = await sendToStreams(scratch, server, 1, () => send(seconds));
      const at = new Map(streams[0]);
      const waits = (since: "sentMs" | "answeredMs") =>
        sent.map((each) => (at.get(each.id) ?? Number.POSITIVE_INFINITY) - each[since]);
      const note = (name: string, values: number[], part: number, bound = {}) =>
        findings.add(engine.name, `arrival: ${name}`, percentile(values, part), 2, bound);
      note("from the 200, p50 ms", waits("answeredMs"), 0.5, { atMost: arrivalMsMax[engine.name] });
      note("from the 200, p99 ms", waits("answeredMs"), 0.99);
      note("from the sending, p50 ms", waits("sentMs"), 0.5);
      note("from the sending, p99 ms", waits("sentMs"), 0.99);
      note("the 200 itself, p50 ms", sent.map(answerMs), 0.5);
      findings.problems.push(...arrivalProblems(sent, streams), ...(await stop()));
    });
}

/** Twenty streams that get everything, and none, in turn on one server. */
export async function measureFanOut(
  scratch: Scratch,
  engine: Engine,
  { rounds, seconds }: Plan,
  findings: Findings,
): Promise<void> {
  await engine.onEmpty(async ({ server, stop }) => {
    const send = sender(server, fanOutPerSecond);
    await send(warmUpSeconds);
    for (let round = 1; round <= rounds; round++) {
      const without = round % 2 === 0 ? undefined : await send(seconds);
      const { sent, streams } = await sendToStreams(scratch, server, fanOutStreams, () => send(seconds));
      const alone = without ?? (await send(seconds));
      findings.problems.push(...arrivalProblems(sent, streams));
      const note = (name: string, value: number, bound = {}) =>
        findings.add(engine.name, `${fanOutStreams} streams: ${name}`, value, 2, bound);
      const p99 = (of: Sent[]) => percentile(of.map(answerMs), 0.99);
      note("the 200's p50, ms", percentile(sent.map(answerMs), 0.5));
      note("… without streams, p50", percentile(alone.map(answerMs), 0.5));
      note("the 200's p99, ms", p99(sent));
      note("… without streams, p99", p99(alone));
      note("the 200's p99 ÷ without streams", p99(sent) / p99(alone), { atMost: 1.5 });
      const at = streams.map((arrivals) => new Map(arrivals));
      const last = sent.map(
        ({ id, answeredMs }) => Math.max(...at.map((ms) => ms.get(id) ?? Infinity)) - answeredMs,
      );
      note("from the 200 to the last client, p50 ms", percentile(last, 0.5));
      note("from the 200 to the last client, p99 ms", percentile(last, 0.99));
    }
    findings.problems.push(...(await stop()));
  });
}

/** Each call goes on in the list of messages where the one before ended. */
function sender({ port }: Server, perSecond: number): (seconds: number) => Promise<Sent[]> {
  let first = 0;
  return (seconds) => {
    const count = perSecond * seconds;
    const messages = defaultMessages({ first, count, to });
    first += count;
    return sendAtRate(port, messages, perSecond);
  };
}

async function sendToStreams(scratch: Scratch, { port }: Server, count: number, send: () => Promise<Sent[]>) {
  const clients = await openStreams(
    scratch,
    port,
    Array.from({ length: count }, () => everything),
  );
  const sent = await send();
  return { sent, streams: await clients.finish(sent.length) };
}

const answerMs = ({ sentMs, answeredMs }: Sent): number => answeredMs - sentMs;

/** Every stream gives each message once, all of them in the same order. */
function arrivalProblems(sent: Sent[], streams: Arrival[][]): string[] {
  const idsOf = (arrivals: Arrival[]) => arrivals.map(([id]) => id);
  const acknowledged = sent.map(({ id }) => id).sort();
  const [first = []] = streams.map(idsOf);
  return streams.flatMap((arrivals, index) => {
    const ids = idsOf(arrivals);
    const order = Bun.deepEquals(ids, first) ? [] : [`stream ${index} has another order than the first`];
    const isWhole = Bun.deepEquals(ids.toSorted(), acknowledged);
    return isWhole ? order : [`stream ${index} gave ${ids.length} of ${acknowledged.length} messages`];
  });
}
