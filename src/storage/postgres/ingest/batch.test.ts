/** What is told of the rows that the database found new, and how the batch is put on record. */
import { expect, test } from "bun:test";
import { message } from "../../../../tests/messages.ts";
import { sessionOf } from "../../../../tests/postgres/answering-session.ts";
import type { Message } from "../../../core/message.ts";
import type { Intake } from "../../../core/store.ts";
import { writeBatch } from "./batch.ts";
import { parseItems } from "./items.ts";

interface Stored {
  readonly message: Message;
  readonly source: string | null;
}

/** A database that holds these messages, and takes everything else for new. */
function holding(...stored: readonly Stored[]) {
  const ids = new Set(stored.map(({ message }) => message.message_id));
  return sessionOf((sql, values) => {
    const texts = values.filter((value) => typeof value === "string");
    if (sql.startsWith("insert into messages")) {
      const columns = sql.slice(0, sql.indexOf(")")).split(",").length - 1;
      const inserted = values.slice(1).filter((_, index) => index % columns === 0);
      return inserted.filter((id) => !ids.has(String(id))).map((message_id) => ({ message_id }));
    }
    if (sql.startsWith("insert into events"))
      return values
        .slice(1)
        .flatMap((value, index, all) =>
          index % 12 === 0 ? [{ source: value, event_key: all[index + 1] }] : [],
        );
    if (sql.startsWith("select"))
      return stored
        .filter(({ message }) => texts.includes(message.message_id))
        .map(({ message, source }) => ({ ...message, source }));
    return [];
  });
}

const BATCH = "01890a5d-ac96-774b-bcce-b302099a8057";
const write = (session: ReturnType<typeof holding>, ...intakes: readonly Intake[]) =>
  writeBatch(
    session,
    BATCH,
    intakes.map((intake) => ({ intake, createdAt: "2025-01-15T10:00:00.000Z" })),
  );

/** What the statement that puts the batch on record says. */
function recorded(record: string) {
  const [, rows, places, items = ""] =
    /values \('[^']*', (\d+),\s+('[^']*'|null), convert_from\(decode\('([^']*)'/.exec(record) ?? [];
  return { rows, places, items: parseItems(Buffer.from(items, "base64").toString()) };
}

const post = (source: string, messages: readonly Message[], ...keys: readonly string[]): Intake => ({
  messages,
  post: {
    source,
    body: Buffer.from("{}"),
    details: messages.map(() => ({ type: "text", span: { start: 0, end: 1 } })),
    events: keys.map((key) => ({
      kind: "status",
      type: "read",
      key,
      messageId: null,
      ts: "2025-01-15T10:00:00Z",
      span: { start: 0, end: 1 },
    })),
  },
});

test("of two copies in a group the first is created, and the second is judged by it", async () => {
  const { outcomes, messages } = await write(
    holding(),
    { messages: [message("a"), message("a")] },
    { messages: [message("a", { text: "other" })] },
  );
  expect(outcomes).toEqual([["created", "duplicate"], ["differs"]]);
  expect(messages).toBe(1);
});

test("what is there decides: the same is a duplicate, another text differs, another source is a conflict", async () => {
  const session = holding(
    { message: message("same"), source: null },
    { message: message("other", { text: "first" }), source: null },
    { message: message("wa:1"), source: "wa" },
  );
  const native = { messages: [message("same"), message("other"), message("wa:1"), message("new")] };
  const { outcomes } = await write(session, native, post("wa", [message("wa:1")]));
  expect(outcomes).toEqual([["duplicate", "differs", "conflict", "created"], ["duplicate"]]);
});

test("what was there and is gone again is a duplicate: there is nothing to differ from", async () => {
  const session = sessionOf(() => []);
  expect((await write(session, { messages: [message("a")] })).outcomes).toEqual([["duplicate"]]);
});

test("an event is created once a source, and one with the same key elsewhere is another", async () => {
  const { outcomes, events } = await write(holding(), post("wa", [], "e", "e"), post("fb", [], "e"));
  expect(outcomes).toEqual([["created", "duplicate"], ["created"]]);
  expect(events).toBe(2);
});

test("rows go to the server by the bytes of their keys, so that transactions wait in one direction only", async () => {
  const sent: unknown[] = [];
  const session = sessionOf((sql, values) => {
    if (sql.startsWith("insert into messages"))
      sent.push(...values.slice(1).filter((_, index) => index % 9 === 0));
    return [];
  });
  await write(session, { messages: ["\u{10000}", "b", "\uff61", "a"].map((id) => message(id)) });
  expect(sent).toEqual(["a", "b", "\uff61", "\u{10000}"]);
});

test("the record counts the new rows and has their places only when these have gaps", async () => {
  const whole = await write(holding(), { messages: [message("b"), message("a")] });
  expect(recorded(whole.record)).toMatchObject({ rows: "2", places: "null" });
  const session = holding({ message: message("a"), source: null });
  const holey = await write(session, { messages: [message("c"), message("a"), message("b")] });
  expect(recorded(holey.record)).toMatchObject({ rows: "2", places: "'{0,2}'" });
});

test("a batch in which nothing is new is put on record too, with nothing to count", async () => {
  const session = holding({ message: message("a"), source: null });
  const { record } = await write(session, { messages: [message("a")] });
  expect(recorded(record)).toEqual({ rows: "0", places: "null", items: { messages: [], events: [] } });
});

test("nothing that a sender wrote stands in the record as it was written", async () => {
  const { record } = await write(holding(), {
    messages: [message("a", { from: "'); drop table messages; --" })],
  });
  expect(record).not.toContain("drop table");
  expect(recorded(record).items.messages).toEqual([["'); drop table messages; --", "2025-01-15T10", 1]]);
});

test("a body is kept once when anything of its POST is new, and not at all otherwise", async () => {
  const session = holding({ message: message("wa:old"), source: "wa" });
  const bodies = () => session.asked.filter((sql) => sql.startsWith("insert into deliveries")).length;
  await write(session, post("wa", [message("wa:old")]));
  expect(bodies()).toBe(0);
  await write(session, post("wa", [message("wa:old"), message("wa:new")], "e"));
  expect(bodies()).toBe(1);
});
