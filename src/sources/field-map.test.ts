/** Field maps: direction, values that aren't texts, JSON in texts, and times. */
import { describe, expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import {
  AT,
  expectAnythingKept,
  expectTrialsComeBack,
  FORM_HEADERS,
  JSON_HEADERS,
  RECEIVED,
  Rig,
  sha256,
} from "../../tests/sources.ts";

const SCHEME = { header: "X-Token", algorithm: "token" };
const rigOf = (map: object, options: object = {}) => new Rig("generic", { scheme: SCHEME, map, ...options });
const MESSAGE = { message_id: "id", from: "from", to: "to", text: "text" };
const item = (fields: object = {}) => ({ id: "1", from: "a", to: "b", text: "hello", ...fields });
const kindsOf = (rig: Rig, content: unknown, headers = JSON_HEADERS) => {
  const { messages, events } = rig.keptOf(content, headers);
  return [...messages.map(() => "message"), ...events.map(({ kind }) => kind)];
};

test.each<[unknown, unknown, boolean]>([
  [false, false, true],
  ["false", false, true],
  [false, "false", true],
  [true, "true", true],
  [1, 1, true],
  ["1", 1, true],
  [1, "1", true],
  [1, true, false],
  [[true, "x"], "x", true],
  [["a", "b"], "c", false],
  ["", undefined, true],
  ["null", null, false],
  ["x", ["x"], false],
  ["*@g.us", "1@g.us", true],
  ["*@g.us", "1@c.us", false],
  ["a*", "ab", true],
  [["x", "a*"], "x", true],
  ["a*", "ba", false],
  ["*", "a", true],
  ["*", false, true],
  ["*", "", false],
  ["*", undefined, false],
  ["*", { a: 1 }, false],
])("the condition %j holds of %j: %p", (condition, value, holds) => {
  const rig = rigOf({ ...MESSAGE, when: { "a.b": condition } });
  expect(kindsOf(rig, item({ a: { b: value } }))).toEqual([holds ? "message" : "other"]);
});

describe("what the business itself sent", () => {
  test("what outbound holds is an echo with its identifier and time, and no message", () => {
    const rig = rigOf({ ...MESSAGE, ts: "at", outbound: { direction: ["out", 1] } });
    expect(kindsOf(rig, item({ direction: "in" }))).toEqual(["message"]);
    const { messages, events } = rig.keptOf(item({ direction: "out", at: "2026-01-02T03:04:05Z" }));
    expect(messages).toEqual([]);
    expect(events).toMatchObject([{ kind: "echo", messageId: "src:1", ts: "2026-01-02T03:04:05Z" }]);
    expect(kindsOf(rig, item({ direction: 1 }))).toEqual(["echo"]);
  });

  test.each(["fromMe", "from_me", "is_from_me"])(
    "what says %s beside its identifier is no message",
    (name) => {
      const rig = rigOf({ ...MESSAGE, message_id: "key.id" });
      const said = (value: unknown, outside?: unknown) =>
        kindsOf(rig, item({ key: { id: "1", [name]: value }, [name]: outside }));
      // A form has nothing but texts.
      for (const value of [true, "true"]) expect(said(value)).toEqual(["other"]);
      for (const value of [false, "false", 1, null, undefined, {}]) expect(said(value)).toEqual(["message"]);
      expect(said(false, true)).toEqual(["message"]);
    },
  );

  test("it stands beside the identifier that counts, in an item or in the document", () => {
    const both = rigOf({ ...MESSAGE, message_id: ["a.id", "b.id"] });
    expect(kindsOf(both, item({ a: { id: "1" }, b: { id: "2", fromMe: true } }))).toEqual(["message"]);
    expect(kindsOf(both, item({ a: { fromMe: false }, b: { id: "2", fromMe: true } }))).toEqual(["other"]);
    const listed = rigOf({ ...MESSAGE, each: "list" });
    expect(kindsOf(listed, { list: [item(), item({ id: "2", fromMe: true })] })).toEqual([
      "message",
      "other",
    ]);
    const whole = rigOf({ ...MESSAGE, each: "list", message_id: "$.id" });
    expect(kindsOf(whole, { id: "1", fromMe: true, list: [item()] })).toEqual(["other"]);
  });

  test("a map that says outbound decides alone", () => {
    const rig = rigOf({ ...MESSAGE, outbound: { sent: true } });
    expect(kindsOf(rig, item({ fromMe: true }))).toEqual(["message"]);
    expect(kindsOf(rig, item({ sent: true }))).toEqual(["echo"]);
  });
});

describe("JSON within texts", () => {
  test("a path goes on into a text that is JSON, at any depth, and its values have the text's own bytes", () => {
    const rig = rigOf({
      message_id: "Message.m.id",
      from: "Message.m.from",
      to: "=b",
      text: "Message.m.deep[0].x",
    });
    const inner = { m: { id: "1", from: "a", deep: '[{"x":"deep \\u00e9"}]' } };
    const body = JSON.stringify({ Type: "Notification", Message: JSON.stringify(inner) });
    const { messages } = rig.keptOf(body);
    expect(messages).toMatchObject([{ message_id: "src:1", from: "src:a", text: "deep é", own: body }]);
  });

  test("items of a list in a text have the text as their bytes, and are told apart all the same", () => {
    const rig = rigOf({ ...MESSAGE, each: "Message" });
    const text = JSON.stringify([item(), { a: 1 }, { a: 2 }, { a: 1 }]);
    const body = JSON.stringify({ Message: text });
    const { messages, events } = rig.keptOf(body);
    expect(messages.map(({ own }) => own)).toEqual([JSON.stringify(text)]);
    expect(events.map(({ own }) => own)).toEqual(Array(3).fill(JSON.stringify(text)));
    expect(new Set(events.map(({ key }) => key)).size).toBe(2);
  });

  test("a text that is no JSON object or array leads nowhere", () => {
    const rig = rigOf({ ...MESSAGE, text: ["text.a", "other"] });
    for (const text of ["{", "", '"a"', "1", "[]", "{}x"])
      expect(rig.keptOf(item({ text, other: "o" })).messages).toMatchObject([{ text: "o" }]);
  });

  test("a parameter of a form is read as JSON, and what is in it has the parameter's own bytes", () => {
    const rig = rigOf({ ...MESSAGE, each: "mandrill_events", from: "msg.from", text: "msg.text" });
    const events = [
      { id: "1", to: "b", msg: { from: "é", text: "one & two" } },
      { id: "2", to: "b", msg: { from: "c", text: "three" } },
      { event: "send" },
    ];
    const parameter = `mandrill_events=${encodeURIComponent(JSON.stringify(events))}`;
    const kept = rig.keptOf(`a=1&&${parameter}&b=%7B%7D`, FORM_HEADERS);
    expect(kept.messages).toMatchObject([
      { message_id: "src:1", from: "src:é", text: "one & two", own: parameter },
      { message_id: "src:2", from: "src:c", text: "three", own: parameter },
    ]);
    expect(kept.events).toMatchObject([{ kind: "other", own: parameter }]);
    const path = rigOf({ message_id: "payload.id", from: "payload.from", to: "=b" });
    const body = `payload=${encodeURIComponent('{"id":"1","from":"a"}')}&x=2`;
    expect(path.keptOf(body, FORM_HEADERS).messages).toMatchObject([{ message_id: "src:1", own: body }]);
  });

  test("a parameter with brackets is named as it is written, and a JSON document is followed", () => {
    const rig = rigOf({
      when: { "message[add][0][type]": "incoming" },
      message_id: "message[add][0][id]",
      from: "message[add][0][author][id]",
      to: "$.account[id]",
      text: "message[add][0][text]",
    });
    const form = "message[add][0][id]=7&message%5Badd%5D%5B0%5D%5Btype%5D=incoming&account[id]=12";
    const kept = rig.keptOf(
      `${form}&message[add][0][author][id]=9&message[add][0][text]=h%C3%A9`,
      FORM_HEADERS,
    );
    const message = { message_id: "src:7", from: "src:9", to: "src:12", text: "hé" };
    expect(kept.messages).toMatchObject([message]);
    const added = { id: 7, type: "incoming", author: { id: 9 }, text: "hé" };
    expect(rig.keptOf({ message: { add: [added] }, account: { id: 12 } }).messages).toMatchObject([message]);
    expectTrialsComeBack(rig, () => ({ ts: RECEIVED }));
  });

  test("a form that is one event is known by its bytes", () => {
    expect(rigOf(MESSAGE).keptOf("a=%7B%7D", FORM_HEADERS).events[0]?.key).toBe(sha256("a=%7B%7D"));
  });

  test("a document that is a list is one by the path $", () => {
    const rig = rigOf({ ...MESSAGE, each: "$" });
    const items = [item(), item({ id: "2", text: "b" }), 7];
    expect(kindsOf(rig, items)).toEqual(["message", "message", "other"]);
    expect(rig.keptOf(items).messages[1]?.own).toBe(JSON.stringify(items[1]));
    expect(kindsOf(rig, { a: 1 })).toEqual(["other"]);
  });

  test("something is kept of anything within texts, with bytes of the body as its own", () => {
    const rig = rigOf({ ...MESSAGE, each: "list", text: "text.a", ts: "at.b[0]" }, { account: "z" });
    const list = JSON.stringify([item({ text: '{"a":"x"}', at: '{"b":[1]}' }), 1]);
    expectAnythingKept(rig, { list });
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'&=%[]{}"a1,:'), maxLength: 40 }), (text) => {
        for (const value of [text, encodeURIComponent(text), encodeURIComponent(`[${text}]`)])
          for (const body of [`list=${value}`, `a=&&${value}&list=${value}&b`]) {
            const { messages, events } = rig.keptOf(body, FORM_HEADERS);
            for (const { own } of [...messages, ...events]) {
              expect(own).not.toBe("");
              expect([body, ...body.split("&")]).toContain(own);
            }
          }
      }),
    );
  });

  test("parts of one text that have its bytes each are too much when they are many, and cost little when few", () => {
    const rig = new Rig("generic", {
      scheme: { algorithm: "token", header: "X-T" },
      map: { each: "Message.items", event: "other" },
      event_type: "json Type",
    });
    const keptOf = (count: number) => {
      const items = Array.from({ length: count }, (_, id) => ({ id, text: "x".repeat(100) }));
      const body = Buffer.from(JSON.stringify({ Message: JSON.stringify({ Type: "T", items }) }));
      const request = { method: "POST", headers: new Headers(JSON_HEADERS), url: "/", body };
      return rig.source.intakeOf(request, { proven: true }, AT);
    };
    expect(keptOf(400).intake.post?.events.map(({ type }) => type)).toEqual(Array(400).fill("T"));
    const { intake, keptWhole } = keptOf(5000);
    expect([intake.post?.events.length, keptWhole]).toEqual([
      1,
      "parts of more than 67108864 bytes together",
    ]);
  });

  test("too many texts of JSON are too much, and the body is kept whole", () => {
    const rig = rigOf({ ...MESSAGE, each: "list", text: "t.a" });
    const list = Array.from({ length: 10_001 }, () => ({ t: "{}" }));
    const request = rig.signed(JSON.stringify({ list }));
    expect(rig.source.intakeOf(request, { proven: true }, AT)).toMatchObject({
      keptWhole: "more than 10000 strings of JSON",
      intake: { messages: [] },
    });
  });
});

test.each([
  ["ann@b.example", "ann@b.example"],
  ['"Ann, B" <ann@b.example>', "ann@b.example"],
  ["<ann@b.example> ", "ann@b.example"],
  ["A <a@b.example>, C <c@b.example>", "A <a@b.example>, C <c@b.example>"],
  ["Ann <ann>", "Ann <ann>"],
])("of an address of mail as %s the party is %s", (from, party) => {
  const rig = rigOf({ ...MESSAGE, channel: "=email" });
  expect(rig.keptOf(item({ from })).messages).toMatchObject([{ from: `email:${party}` }]);
});

describe("times", () => {
  const read = (map: object, content: object) => {
    const rig = rigOf({ ...MESSAGE, ...map });
    const { intake, unreadTimes } = rig.source.intakeOf(
      rig.signed(JSON.stringify(content)),
      { proven: true },
      AT,
    );
    return [intake.messages[0]?.ts, unreadTimes];
  };

  test.each<[object, unknown, string]>([
    [{}, "Wed, 26 Nov 2025 23:33:20 +0000", "2025-11-26T23:33:20Z"],
    [{}, "26 Nov 2025 18:33:20 EST (local)", "2025-11-26T23:33:20Z"],
    [{}, "2025-11-26 23:33:20", "2025-11-26T23:33:20Z"],
    [{}, "2025-11-26 23:33:20 UTC", "2025-11-26T23:33:20Z"],
    [{}, "20251126T233320Z", "2025-11-26T23:33:20Z"],
    [{}, "20251126233320", "2025-11-26T23:33:20Z"],
    [{}, 1764200000, "2025-11-26T23:33:20Z"],
    [{}, 1764200000.75, "2025-11-26T23:33:20Z"],
    [{}, 1764200000123.5, "2025-11-26T23:33:20Z"],
    [{}, "1764200000123456", "2025-11-26T23:33:20Z"],
    [{}, "1764200000123456789", "2025-11-26T23:33:20Z"],
    [{ ts_format: "ms" }, "1764200000123", "2025-11-26T23:33:20Z"],
    [{}, undefined, RECEIVED],
    [{}, null, RECEIVED],
    [{}, "", RECEIVED],
  ])("a time of %j, %j is %s, and nothing is noted", (map, at, ts) => {
    expect(read({ ts: "at", ...map }, item({ at }))).toEqual([ts, undefined]);
  });

  test.each<[object, unknown]>([
    [{}, "yesterday"],
    [{}, "Wed, 31 Feb 2025 23:33:20 +0000"],
    [{ ts_format: "rfc3339" }, "1764200000"],
    [{ ts_format: "unix" }, "2025-11-26T23:33:20Z"],
    [{}, "9".repeat(20)],
    [{}, "20251326233320"],
    [{}, true],
    [{}, { seconds: 1 }],
  ])("a time of %j, %j is that of receipt, and noted by its name", (map, at) => {
    expect(read({ ts: ["sent.at", "at"], ...map }, item({ at }))).toEqual([RECEIVED, ["sent.at, at"]]);
  });

  test("a time that another kind can't read is noted too", () => {
    const rig = new Rig("meta");
    const messages = [{ id: "m", from: "15550000001", timestamp: "soon", type: "text", text: { body: "x" } }];
    const value = {
      messaging_product: "whatsapp",
      metadata: { display_phone_number: "15550000002", phone_number_id: "1" },
      messages,
    };
    const body = JSON.stringify({ object: "whatsapp_business_account", entry: [{ changes: [{ value }] }] });
    const found = rig.source.intakeOf(rig.signed(body), { proven: true }, AT);
    expect([found.intake.messages[0]?.ts, found.unreadTimes]).toEqual([RECEIVED, ["time"]]);
  });
});
