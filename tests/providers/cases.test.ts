/**
 * Webhooks as providers send them, against the whole service: the cases beside this file, and those
 * of the folder that `PROVIDER_CASES` names. A case's own clock counts, and its bytes are sent as
 * they are.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { EventRow } from "../../src/core/event-row.ts";
import type { Message } from "../../src/core/message.ts";
import { openSource, type SourceConfig } from "../../src/sources/open-source.ts";
import { newService, type TestService } from "../http/service.ts";
import { pinnedClock } from "../pinned-clock.ts";
import type { ProviderCase } from "./case.ts";
import { ownCases } from "./own-cases.ts";

const OWN = join(import.meta.dir, "cases");
const OTHERS = process.env["PROVIDER_CASES"];
/** For cases whose outcome doesn't depend on the time. */
const SOME_TIME = "2025-01-15T10:00:00Z";
const NAME = "src";

interface StoredRecord extends Message {
  readonly source: string;
  readonly seq: number;
  readonly type: string;
  readonly body?: string | null;
  readonly events: readonly EventRow[];
}

function casesOf(folder: string): ProviderCase[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .flatMap((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as ProviderCase[]);
}

for (const folder of [OWN, ...(OTHERS === undefined || OTHERS === "" ? [] : [OTHERS])]) {
  describe(`the cases of ${folder === OWN ? "our own" : folder}`, () => {
    for (const given of casesOf(folder)) {
      test(`the case ${given.id} of ${given.provider} is answered and stored as it says`, () =>
        holds(given, folder === OWN));
    }
  });
}

test.each(Object.entries(ownCases()))("%s.json holds what own-cases.ts makes", (name, made) => {
  const written: unknown = JSON.parse(readFileSync(join(OWN, `${name}.json`), "utf8"));
  expect(written).toEqual(JSON.parse(JSON.stringify(made)));
});

/** In others' cases an event of the kind `other` is one of any kind: it is no message. */
async function holds(given: ProviderCase, exactly: boolean): Promise<void> {
  const { expected, url, method, headers, body } = given;
  const clock = pinnedClock();
  const service = await newService({ WEBHOOK_SECRET: "" }, { sources: { [NAME]: configOf(given) }, clock });
  try {
    const query = url.includes("?") ? url.slice(url.indexOf("?")) : "";
    const texts = expected.records.flatMap(({ text }) => (text === null ? [] : [text]));
    service.keepUnsaid(...(query === "" ? [] : [query.slice(1)]), ...texts);
    const send = () =>
      clock.at(given.now ?? SOME_TIME, () =>
        service.sendRaw(`/webhook/${NAME}${query}`, { method, headers, body }),
      );
    const answer = await send();
    if (expected.verdict === "reject") expect([401, 403]).toContain(answer.status);
    else expect(answer.status).toBe(expected.status);
    expect(answer.headers["postern-result"]).toBe(expected.verdict === "reject" ? "invalid_signature" : "ok");
    if (expected.response !== undefined) {
      expect(answer.headers["content-type"]).toStartWith(expected.response.content_type);
      expect(answer.body).toBe(expected.response.body);
    }
    const challenge = new URLSearchParams(query).get("hub.challenge");
    if (expected.verdict === "reject" && challenge !== null) expect(answer.body).not.toContain(challenge);

    const records = await recordsIn(service);
    expect(records.map(fieldsOf)).toEqual(expected.records.map(fieldsOf));
    if (exactly && expected.record_types !== undefined)
      expect(records.map(({ type }) => type)).toEqual([...expected.record_types]);
    for (const [text, total] of expected.search ?? []) {
      const found = await service.get(`/messages?q=${encodeURIComponent(text)}`);
      expect(await found.json()).toMatchObject({ total });
    }
    const events = await eventsIn(service);
    const kinds = events.map(({ kind }): string => kind).sort();
    if (exactly) expect(kinds).toEqual(kindsOf(given));
    else expect(kinds).toHaveLength(kindsOf(given).length);
    for (const kind of kindsOf(given).filter((each) => each !== "other")) expect(kinds).toContain(kind);
    for (const { kind, ref } of expected.events.filter((event) => event.ref !== undefined))
      expect(events).toContainEqual(expect.objectContaining({ kind, message_id: `${NAME}:${ref}` }));
    for (const { kind, key, type } of expected.events)
      if (key !== undefined || type !== undefined)
        expect(events).toContainEqual(
          expect.objectContaining({
            kind,
            ...(key !== undefined && { event_key: key }),
            ...(type !== undefined && { type }),
          }),
        );
    const sent = body === "" ? query.slice(1) : body;
    for (const each of [...records, ...events]) {
      expect(each.source).toBe(NAME);
      expect(sent).toContain(each.body as string);
    }
    if (expected.verdict !== "accept") return;
    const again = await send();
    expect([again.status, again.headers["postern-result"]]).toEqual([expected.status, "duplicate"]);
    expect(await recordsIn(service)).toEqual(records);
    expect(await eventsIn(service)).toEqual(events);
  } finally {
    await service.stop();
  }
}

function configOf({ provider, secret, url, config, scheme }: ProviderCase): SourceConfig {
  const given = {
    kind: provider,
    secret,
    public_url: url,
    ...config,
    ...(scheme !== undefined && { scheme }),
  };
  if (secret !== "") return given;
  // Nobody can configure that; whatever it signed must not get in by another secret either.
  expect(() => openSource(NAME, given)).toThrow("blank");
  return { ...given, secret: "a secret in place of a blank one" };
}

/** What was verified and is no message is one event at least. */
function kindsOf({ expected }: ProviderCase): string[] {
  const kinds = expected.events.map(({ kind }) => kind);
  const nothing = expected.verdict === "accept" && expected.records.length + kinds.length === 0;
  return nothing ? ["other"] : kinds.sort();
}

function fieldsOf({ message_id, from, to, ts, text }: Message): Message {
  return { message_id: message_id.replace(`${NAME}:`, ""), from, to, ts, text };
}

/** In the order in which they were stored. */
async function recordsIn(service: TestService): Promise<StoredRecord[]> {
  const { data } = (await (await service.get("/messages?limit=100")).json()) as { data: Message[] };
  const records = await Promise.all(
    data.map(async ({ message_id }) => {
      expect(message_id).toStartWith(`${NAME}:`);
      const answer = await service.get(`/messages/${encodeURIComponent(message_id)}`);
      return (await answer.json()) as StoredRecord;
    }),
  );
  return records.sort((a, b) => a.seq - b.seq);
}

async function eventsIn(service: TestService): Promise<EventRow[]> {
  return ((await (await service.get("/events?limit=100")).json()) as { data: EventRow[] }).data;
}
