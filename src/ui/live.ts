/**
 * The log as it grows: one stream for the whole page. A list that begins to listen before it reads
 * its first page misses nothing, because the stream's position is older than what it reads; what it
 * hears twice it knows by its identifier. After an interruption the stream goes on from the last
 * position, unless too much was missed to be heard one by one. Hidden pages close it: a browser has
 * six connections to a service for all its tabs.
 */
import { effect, signal } from "@preact/signals";
import { get, type Schemas } from "./api.ts";
import { now, whileVisible } from "./clock.ts";
import { loadSession, session } from "./session.ts";

export type LogRecord = Schemas["Record"];

/** `reset`: what is shown has to be read anew, as the log is another one or too much was missed. */
type Listener = (
  what: { readonly record: LogRecord } | { readonly reset: "another log" | "missed" },
) => unknown;

export const liveState = signal<"connecting" | "live" | "lost" | "paused">("connecting");

const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15_000];
const BEGIN_AGAIN_MS = 3000;
/** A night's records, one by one, would keep the page busy for minutes. */
const MISSED_MAX = 200;
/** A connection may be dead without an error: after such a silence the service is asked. */
const SILENT_MS = 60_000;
const LOOK_MS = 15_000;
const ANSWER_MS_MAX = 10_000;
const listeners = new Set<Listener>();
let position: string | undefined;
let beginning: Promise<void> | undefined;
let source: EventSource | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let failures = 0;
let heardAt = now();

/** Returns what ends it. */
export function onRecords(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Resolves once there is a position: a page that is read now has no gap to the stream. */
export function liveBegun(): Promise<void> {
  beginning ??= begin().catch((error: unknown) => {
    beginning = undefined;
    // What was read meanwhile may have a gap to what is heard then.
    timer = setTimeout(
      () =>
        void liveBegun().then(
          () => reset("missed"),
          () => undefined,
        ),
      BEGIN_AGAIN_MS,
    );
    throw error;
  });
  return beginning;
}

async function begin(): Promise<void> {
  clearTimeout(timer);
  const { next } = await get("/log", { query: { after: "now", limit: 1, kinds: "all" } });
  position = next;
  connect();
}

function reset(why: "another log" | "missed"): void {
  for (const listener of listeners) listener({ reset: why });
}

/** Goes on from the last position; from now where too much came in since. */
async function resume(): Promise<void> {
  const last = position;
  const missed = document.hidden ? 0 : await countAfter(last, MISSED_MAX).catch(() => 0);
  if (last !== position) return;
  if (missed < MISSED_MAX) return connect();
  await begin().then(() => reset("missed"), connect);
}

async function countAfter(after: string | undefined, limit: number): Promise<number> {
  if (after === undefined) return 0;
  const signal = AbortSignal.timeout(ANSWER_MS_MAX);
  return (await get("/log", { query: { after, limit, kinds: "all" }, signal })).data.length;
}

whileVisible(LOOK_MS, async () => {
  if (source === undefined || now() - heardAt < SILENT_MS) return;
  heardAt = now();
  const [opened, last] = [source, position];
  const missed = await countAfter(last, 1).catch(() => undefined);
  if (missed === 0 || source !== opened || position !== last) return;
  if (missed === undefined) liveState.value = "lost";
  await resume();
});

function connect(): void {
  source?.close();
  source = undefined;
  // Until there is a position, the timer is that of whoever asks for one.
  if (position === undefined || session.value?.state === "signed_out") return;
  clearTimeout(timer);
  if (document.hidden) {
    liveState.value = "paused";
    return;
  }
  const opened = new EventSource(`../log/stream?${new URLSearchParams({ after: position, kinds: "all" })}`);
  source = opened;
  opened.onopen = () => {
    failures = 0;
    heardAt = now();
    liveState.value = "live";
  };
  opened.onerror = () => {
    opened.close();
    if (source !== opened) return;
    liveState.value = "lost";
    failures++;
    // An error has no status: a session that is over looks like a service that is gone.
    if (failures % 3 === 2) void loadSession();
    timer = setTimeout(() => void resume(), RETRY_MS[Math.min(failures, RETRY_MS.length) - 1]);
  };
  for (const type of ["message", "event"] as const)
    opened.addEventListener(type, ({ data, lastEventId }: MessageEvent<string>) => {
      position = lastEventId;
      heardAt = now();
      const record = JSON.parse(data) as LogRecord;
      for (const listener of listeners) listener({ record });
    });
  opened.addEventListener("reset", ({ lastEventId }) => {
    position = lastEventId;
    reset("another log");
  });
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden || liveState.value !== "live") void resume();
});
window.addEventListener("online", () => void resume());

// Another session may read another log: it begins anew.
effect(() => {
  if (session.value?.state !== "signed_out") return;
  source?.close();
  clearTimeout(timer);
  position = undefined;
  beginning = undefined;
});
