/**
 * A sender who knows the secret, at a steady rate whatever the service does: how long its messages
 * take meanwhile.
 */
import { sign } from "../../src/sources/native.ts";
import { NATIVE_SECRET } from "./sources.ts";

interface Sent {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How many requests were answered with which status; 0 for none at all. */
  readonly answers: Readonly<Record<number, number>>;
}

/** Where it sends from, for a service that trusts what stands before it. */
const SENDER = "198.51.100.7";
const ANSWER_MS_MAX = 10_000;

/**
 * Sends so many messages a second for so many seconds, each its own; resolves when all are
 * answered.
 */
export async function send(port: number, perSecond: number, seconds: number, prefix: string): Promise<Sent> {
  const begin = performance.now();
  const sent: Promise<readonly [status: number, ms: number]>[] = [];
  while (sent.length < perSecond * seconds) {
    const due = begin + (sent.length / perSecond) * 1000;
    const wait = due - performance.now();
    if (wait > 0) await Bun.sleep(wait);
    sent.push(sendOne(port, `${prefix}-${sent.length}`));
  }
  const done = await Promise.all(sent);
  const times = done.map(([, ms]) => ms).sort((a, b) => a - b);
  const answers: Record<number, number> = {};
  for (const [status] of done) answers[status] = (answers[status] ?? 0) + 1;
  const at = (part: number) => times[Math.min(times.length - 1, Math.floor(part * times.length))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99), answers };
}

async function sendOne(port: number, id: string): Promise<readonly [number, number]> {
  const body = JSON.stringify({
    message_id: id,
    from: "+1",
    to: "+2",
    ts: "2025-01-15T10:00:00Z",
    text: "hello",
  });
  const begin = performance.now();
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/webhook`, {
      method: "POST",
      body,
      headers: { "X-Signature": sign(NATIVE_SECRET, body), "X-Forwarded-For": SENDER },
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    await answer.arrayBuffer();
    return [answer.status, performance.now() - begin];
  } catch {
    return [0, performance.now() - begin];
  }
}
