/** A client of a stream of the log: reads what comes, and says what it was. */
import { until } from "../until.ts";

interface StreamEvent {
  readonly id?: string;
  readonly event?: string;
  /** As JSON. */
  readonly data?: unknown;
  readonly retry?: string;
  /** Whether there was a comment in it. */
  readonly comment?: true;
}

interface EventStream {
  readonly response: Response;
  /** What has come so far; of Server-Sent Events what lies between two empty lines. */
  readonly events: readonly StreamEvent[];
  /** The records that have come so far. */
  readonly records: () => readonly Readonly<Record<string, string | null>>[];
  /** Resolves once there are so many records. */
  readonly has: (records: number) => Promise<void>;
  /** Resolves when the other end has closed. */
  readonly ended: Promise<void>;
  readonly close: () => void;
}

/** Opens a stream; NDJSON where `accept` says so. */
export async function openStream(url: string, init: RequestInit = {}): Promise<EventStream> {
  const over = new AbortController();
  const response = await fetch(url, { ...init, signal: over.signal });
  const events: StreamEvent[] = [];
  const isLines = response.headers.get("content-type")?.includes("ndjson") === true;
  const read = async () => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const parts = text.split(isLines ? "\n" : "\n\n");
      text = parts.pop() ?? "";
      events.push(...parts.map(isLines ? lineOf : eventOf));
    }
  };
  const ended = read().catch(() => undefined);
  const records = () =>
    events.flatMap(({ event, data }) =>
      data !== undefined && event !== "reset" ? [data as Readonly<Record<string, string | null>>] : [],
    );
  return {
    response,
    events,
    records,
    has: async (count) => {
      await until(`${count} records`, () => records().length >= count);
    },
    ended,
    close: () => over.abort(),
  };
}

function lineOf(line: string): StreamEvent {
  if (line === "") return { comment: true };
  const data = JSON.parse(line) as Record<string, unknown>;
  return "reset" in data ? { event: "reset", data: data["reset"] } : { data };
}

function eventOf(text: string): StreamEvent {
  const event: Record<string, unknown> = {};
  for (const line of text.split("\n")) {
    if (line.startsWith(":")) event["comment"] = true;
    const [, name = "", value = ""] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name === "data") event["data"] = JSON.parse(value);
    else if (name !== "") event[name] = value;
  }
  return event;
}
