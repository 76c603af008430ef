/**
 * Requests as somebody's provider sent them, with the configuration that an operator would write
 * for it, and what has to become of them. Judged against the whole service.
 */
import { expect } from "bun:test";
import { parseConfigFile } from "../../src/config-file/config-file.ts";
import type { EventRow } from "../../src/core/event-row.ts";
import type { Message } from "../../src/core/message.ts";
import { newService, type TestService } from "../http/service.ts";
import { pinnedClock } from "../pinned-clock.ts";

export interface FieldCase {
  readonly name: string;
  readonly what: string;
  /** The configuration file's content. */
  readonly config: { readonly sources: Readonly<Record<string, object>> };
  /** Sent one after the other; a path includes the query. */
  readonly requests: readonly {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  }[];
  readonly expect: FieldExpectation;
}

/** What isn't said isn't judged. */
interface FieldExpectation {
  /** Of each request, or one for all of them. */
  readonly status?: number;
  readonly status_list?: readonly number[];
  /** A body byte for byte, or the same JSON. */
  readonly response0?: string;
  readonly response1?: string;
  /** Slack shows the JSON that a slash command is answered with. */
  readonly response_not_json_to_slash?: boolean;
  /** All of them, in the order in which they are stored; `id` stands behind the source's name. */
  readonly messages?: readonly (Partial<Message> & { readonly id: string; readonly type?: string })[];
  /** Kinds, in any order. */
  readonly events?: readonly string[];
  readonly events_count?: number;
  /** Of every event. */
  readonly event_key?: string;
  /** Of all events, in alphabetical order. */
  readonly event_keys?: readonly string[];
  readonly event_ts?: string;
  /** How many messages are found by a text. */
  readonly search?: readonly (readonly [text: string, messages: number])[];
  readonly check_config?: "accepted";
}

/** The clock for which the requests are signed. */
export const FIELD_NOW = "2026-11-28T15:07:30Z";

/** Where a text may go on: the case wants a search to find more than the text that it names. */
const MORE_TEXT = new Set(["whatsapp-flow-reply"]);

export async function judge(given: FieldCase): Promise<void> {
  const { configs } = parseConfigFile(JSON.stringify(given.config), "postern.yaml", {});
  if (given.requests.length === 0) return;
  const clock = pinnedClock();
  const service = await newService({ WEBHOOK_SECRET: "" }, { sources: Object.fromEntries(configs), clock });
  try {
    const answers: Answer[] = [];
    for (const request of given.requests)
      answers.push(await clock.at(FIELD_NOW, () => answerOf(service, request)));
    judgeAnswers(answers, given.expect);
    await judgeMessages(service, given);
    await judgeEvents(service, given.expect);
  } finally {
    await service.stop();
  }
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

async function answerOf(service: TestService, request: FieldCase["requests"][number]): Promise<Answer> {
  const { method, path, headers, body } = request;
  if (method !== "HEAD") {
    const answer = await service.sendRaw(path, { method, headers, body });
    return { status: answer.status, type: answer.headers["content-type"] ?? "", body: answer.body };
  }
  const answer = await service.send(path, { method, headers });
  return { status: answer.status, type: answer.headers.get("content-type") ?? "", body: "" };
}

function judgeAnswers(answers: readonly Answer[], expected: FieldExpectation): void {
  const { status, status_list = status === undefined ? undefined : answers.map(() => status) } = expected;
  if (status_list !== undefined) expect(answers.map((answer) => answer.status)).toEqual([...status_list]);
  for (const [index, body] of [expected.response0, expected.response1].entries())
    if (body !== undefined) expect(sameJson(answers[index]?.body)).toEqual(sameJson(body));
  if (expected.response_not_json_to_slash === true && answers[0]?.body !== "")
    expect(answers[0]?.type).not.toContain("json");
}

/** The value of a JSON text; of any other, the text. */
function sameJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return text;
  }
}

type Stored = Message & { readonly seq: number; readonly type: string };

async function judgeMessages(service: TestService, { name, config, expect: expected }: FieldCase) {
  const [source] = Object.keys(config.sources);
  if (expected.messages !== undefined) {
    const { data } = await json<{ data: Message[] }>(service, "/messages?limit=100");
    const stored = await Promise.all(
      data.map(({ message_id }) => json<Stored>(service, `/messages/${encodeURIComponent(message_id)}`)),
    );
    const found = stored.sort((a, b) => a.seq - b.seq);
    const wanted = expected.messages.map(({ id, ...fields }) => ({
      message_id: `${source}:${id}`,
      ...fields,
    }));
    expect(found.map(({ message_id }) => message_id)).toEqual(wanted.map(({ message_id }) => message_id));
    for (const [index, message] of wanted.entries()) {
      const text = found[index]?.text ?? null;
      const cut = MORE_TEXT.has(name) && text?.startsWith(`${message.text}\n`) ? message.text : text;
      expect({ ...found[index], text: cut }).toMatchObject(message);
    }
  }
  for (const [text, messages] of expected.search ?? [])
    expect(await json(service, `/messages?q=${encodeURIComponent(text)}`)).toMatchObject({ total: messages });
}

async function judgeEvents(service: TestService, expected: FieldExpectation): Promise<void> {
  const { data: events } = await json<{ data: EventRow[] }>(service, "/events?limit=100");
  if (expected.events !== undefined)
    expect(events.map(({ kind }): string => kind).sort()).toEqual([...expected.events].sort());
  if (expected.events_count !== undefined) expect(events).toHaveLength(expected.events_count);
  if (expected.event_keys !== undefined)
    expect(events.map(({ event_key }) => event_key).sort()).toEqual([...expected.event_keys]);
  for (const event of events) {
    if (expected.event_key !== undefined) expect(event.event_key).toBe(expected.event_key);
    if (expected.event_ts !== undefined) expect(event.ts).toBe(expected.event_ts);
  }
}

async function json<T>(service: TestService, path: string): Promise<T> {
  return (await (await service.get(path)).json()) as T;
}
