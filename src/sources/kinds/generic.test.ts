import { describe, expect, test } from "bun:test";
import { fc } from "../../../tests/property.ts";
import {
  AT,
  columns,
  expectAnythingKept,
  expectEveryByteSigned,
  expectTrialsComeBack,
  expectUnknownFieldsIgnored,
  FORM_HEADERS,
  identities,
  JSON_HEADERS,
  RECEIVED,
  Rig,
  sha256,
} from "../../../tests/sources.ts";
import { PRESET_NAMES } from "../presets.ts";

const SECRETS: Readonly<Record<string, string>> = { "standard-webhooks": "whsec_c2VjcmV0" };
const preset = (name: string, options: object = {}) =>
  new Rig("generic", { preset: name, secret: SECRETS[name] ?? "a secret", ...options });

describe.each([...PRESET_NAMES])("the preset %s", (name) => {
  test("every byte is signed", () => {
    expectEveryByteSigned(preset(name), preset(name).signed('{"id":"1"}'));
  });

  test("a body that carries no message is one event", () => {
    for (const body of ["{}", "[]", "", "no JSON", '{"events":[]}']) {
      const { messages, events } = preset(name).keptOf(body);
      expect([messages, events.map(({ kind, own }) => [kind, own])]).toEqual([[], [["other", body]]]);
    }
  });
});

test.each([
  ["github", "X-GitHub-Delivery"],
  ["shopify", "X-Shopify-Webhook-Id"],
])("a delivery by %s is known by its %s, else by its bytes", (name, header) => {
  const keys = (value: string) =>
    preset(name)
      .keptOf("{}", { ...JSON_HEADERS, [header]: value })
      .events.map(({ key }) => key);
  expect([keys("d-1"), keys(" "), keys("x".repeat(641))]).toEqual([["d-1"], [sha256("{}")], [sha256("{}")]]);
});

test("an identifier in a token or a signed header, and one in the body, name an event", () => {
  const event = (name: string, body: string) => preset(name).keptOf(body).events[0]?.key;
  const webhook = preset("standard-webhooks").signed("{}");
  expect(preset("standard-webhooks").kept(webhook).events[0]?.key).toBe(
    webhook.headers.get("webhook-id") as string,
  );
  expect(event("stripe", '{"id":"evt_1","created":1749416383}')).toBe("evt_1");
  const bird = preset("messagebird").signed('{"type":"message.status"}');
  const verdict = preset("messagebird").source.verify(bird, AT);
  expect(preset("messagebird").kept(bird).events[0]?.key).toBe(
    (verdict.proven && verdict.claims?.["jti"]) as string,
  );
});

describe("LINE", () => {
  const rig = preset("line");
  const item = (id: string, fields: object = {}) => ({
    type: "message",
    webhookEventId: `w${id}`,
    timestamp: 1749416383999,
    source: { type: "user", userId: "U1" },
    message: { id, type: "text", text: `this is ${id}` },
    ...fields,
  });
  const batch = (...events: unknown[]) => ({ destination: "Ud", events });

  test("a batch is messages and events, in its order, each with its own bytes", () => {
    const events = [
      item("1"),
      item("2", { type: "unsend", unsend: { messageId: "0" }, message: undefined }),
      7,
      item("3", { source: { type: "group", groupId: "C1" }, message: { id: "3", type: "sticker" } }),
      item("4", { source: undefined }),
    ];
    const kept = rig.keptOf(batch(...events));
    expect(kept.messages).toMatchObject([
      { message_id: "src:1", from: "line:U1", to: "line:Ud", ts: "2025-06-08T20:59:43Z", text: "this is 1" },
      { message_id: "src:3", from: "line:C1", text: null, type: "sticker" },
    ]);
    expect(kept.messages[0]?.own).toBe(JSON.stringify(events[0]));
    expect(columns(kept).events).toEqual([
      ["other", "w2", null],
      ["other", sha256("7"), null],
      ["other", "w4", "src:4"],
    ]);
  });

  test("the order of a body and its pieces make no difference, and what comes twice is the same", () => {
    const items = Array.from({ length: 10 }, (_, index) =>
      item(String(index), index % 3 === 0 ? { type: "follow", message: undefined } : {}),
    );
    const whole = identities(rig.keptOf(batch(...items)));
    const shuffled = fc.shuffledSubarray(items, { minLength: items.length });
    fc.assert(
      fc.property(shuffled, fc.nat({ max: items.length }), fc.subarray(items), (order, at, again) => {
        const pieces = [order.slice(0, at), order.slice(at), again].filter((piece) => piece.length > 0);
        expect(identities(...pieces.map((piece) => rig.keptOf(batch(...piece))))).toEqual(whole);
      }),
    );
  });

  test("fields that nobody knows change no message", () => {
    expectUnknownFieldsIgnored(rig, batch(item("1"), item("2")));
  });

  test("something is kept of anything, and fits its columns", () => {
    expectAnythingKept(rig, batch(item("1"), item("2", { type: "follow" })));
  });
});

describe("other presets with messages", () => {
  test("a message by Sinch's SMS or Conversation API is one, from and to what it names", () => {
    const sms = {
      type: "mo_text",
      id: "S1",
      from: "15550001111",
      to: "384387",
      body: "Hi",
      sent_at: "2026-01-15T10:00:00.5Z",
    };
    expect(preset("sinch").keptOf(sms).messages).toMatchObject([
      {
        message_id: "src:S1",
        from: "+15550001111",
        to: "sms:384387",
        ts: RECEIVED,
        text: "Hi",
        type: "mo_text",
      },
    ]);
    const conversation = (channel: string) => ({
      app_id: "A1",
      accepted_time: "2026-01-15T10:00:00Z",
      message: {
        id: "M1",
        direction: "TO_APP",
        channel_identity: { channel, identity: "15550001111" },
        contact_message: { text_message: { text: "Hi" } },
      },
    });
    const parties = (channel: string) => {
      const [message] = preset("sinch").keptOf(conversation(channel)).messages;
      return [message?.from, message?.to];
    };
    expect(parties("WHATSAPP")).toEqual(["+15550001111", "whatsapp:A1"]);
    expect(parties("TELEGRAM")).toEqual(["telegram:15550001111", "telegram:A1"]);
    expect(parties("not a name")).toEqual(["+15550001111", "src:A1"]);
  });

  test("a message by MessageBird is one, and so is 360dialog's in Meta's shape", () => {
    const message = {
      id: "b1",
      direction: "received",
      platform: "sms",
      from: "+15550001111",
      to: "15550002222",
    };
    const content = { createdDatetime: "2026-01-15T10:00:00Z", type: "text", content: { text: "Hi" } };
    expect(preset("messagebird").keptOf({ message: { ...message, ...content } }).messages).toMatchObject([
      { message_id: "src:b1", from: "+15550001111", to: "+15550002222", text: "Hi" },
    ]);
    const value = {
      metadata: { display_phone_number: "15550002222" },
      messages: [
        { id: "wamid.1", from: "15550001111", timestamp: "1749416383", type: "text", text: { body: "Hi" } },
      ],
    };
    expect(preset("360dialog").keptOf({ entry: [{ changes: [{ value }] }] }).messages).toMatchObject([
      { message_id: "src:wamid.1", from: "+15550001111", to: "+15550002222" },
    ]);
  });

  test.each(["sinch", "messagebird", "360dialog", "line"])(
    "a trial of %s is accepted and comes back",
    (name) => {
      const party = (number: string) => (name === "line" ? `line:${number}` : number);
      expectTrialsComeBack(preset(name), ({ from, to }) => ({ from: party(from), to: party(to) }));
    },
  );

  test("a trial of a preset without messages is an event", () => {
    for (const name of ["github", "stripe", "shopify", "standard-webhooks"]) {
      const message = { message_id: "m1", from: "+1", to: "+2", ts: "2026-01-15T10:00:00Z", text: "Hi" };
      const trial = preset(name).source.trial(message, "", AT);
      const request = { headers: new Headers(trial?.headers), body: trial?.body as Uint8Array, url: "" };
      expect(preset(name).kept(request).messages).toEqual([]);
    }
  });
});

describe("a map of one's own", () => {
  const rig = (map: object, options: object = {}) =>
    new Rig("generic", { scheme: { header: "X-Token", algorithm: "token" }, map, ...options });
  const MAP = {
    message_id: "m.ids[1]",
    from: "m.from",
    ts: "m.at",
    text: ["m.body", "=(nothing)"],
    type: "=note",
  };

  test("an identifier of white space is none, whatever Unicode calls so", () => {
    for (const id of ["\u0085", " \u0085\u3000\ufeff", "\u2028"]) {
      const kept = rig(MAP).keptOf({ m: { ids: ["", id], from: "Ann", at: "1749416383" } });
      expect(columns(kept)).toEqual({
        messages: [],
        events: [["other", kept.events[0]?.key as string, null]],
      });
    }
  });

  test("a map of one's own finds fields by their paths, and the recipient in the configuration", () => {
    const body = '{"m":{"ids":[0,12345678901234567890],"from":"Ann","at":"1749416383"}}';
    const [message] = rig(MAP, { account: "+15550002222" }).keptOf(body).messages;
    expect(message).toMatchObject({
      message_id: "src:12345678901234567890",
      from: "src:Ann",
      to: "+15550002222",
      ts: "2025-06-08T20:59:43Z",
      text: "(nothing)",
      type: "note",
    });
    expect(rig(MAP, { account: "desk:1" }).keptOf(body).messages).toMatchObject([{ to: "desk:1" }]);
    expect(columns(rig(MAP).keptOf(body)).events).toEqual([
      ["other", sha256(body), "src:12345678901234567890"],
    ]);
  });

  test.each([
    [undefined, "1749416383999", "2025-06-08T20:59:43Z"],
    [undefined, "1749416383.9", "2025-06-08T20:59:43Z"],
    [undefined, "2025-06-08T22:59:43+02:00", "2025-06-08T20:59:43Z"],
    ["unix", "1749416383999", RECEIVED],
    ["ms", "1749416383999", "2025-06-08T20:59:43Z"],
    ["rfc3339", "1749416383", RECEIVED],
    [undefined, "-1749416383", RECEIVED],
    [undefined, "9".repeat(40), RECEIVED],
  ])("a time as %p is read where it can be: %s", (ts_format, at, ts) => {
    const map = {
      ...MAP,
      message_id: "id",
      from: "=a:b",
      to: "=c",
      ts: "at",
      ...(ts_format && { ts_format }),
    };
    expect(rig(map).keptOf({ id: "1", at }).messages).toMatchObject([{ ts }]);
  });

  test("a map of one's own reads forms too, the last of equal names", () => {
    const map = { message_id: "id", from: "from", to: "to", text: "__proto__" };
    const body = "id=1&from=%2B15550001111&to=a&to=b&__proto__=x+y";
    const headers = { "Content-Type": `${FORM_HEADERS["Content-Type"]}; charset=utf-8` };
    expect(rig(map).keptOf(body, headers).messages).toMatchObject([
      { from: "+15550001111", to: "src:b", text: "x y", own: body },
    ]);
    expect(rig(map).keptOf(body).messages).toEqual([]);
  });

  test("a trial has its fields where the map looks for them, under any name", () => {
    const odd = { message_id: "__proto__.id", from: "constructor", to: "to[2]" };
    expectTrialsComeBack(rig(odd), () => ({ ts: RECEIVED, text: null }));
    expect("id" in {}).toBe(false);
    const map = {
      each: "a[0].list",
      when: { kind: ["in", "x"] },
      message_id: "id",
      from: "p[1].n",
      to: "$.to",
      ts: "t",
      ts_format: "unix",
      text: "b",
      type: "kind",
    };
    expectTrialsComeBack(rig(map), () => ({}));
  });

  test("something is kept of anything, and fits its columns", () => {
    const map = {
      each: "list",
      message_id: "id",
      from: "from",
      to: "$.to",
      ts: "at",
      channel: "by",
      event_id: "id",
    };
    expectAnythingKept(rig(map), { to: "c", list: [{ id: "1", from: "a", at: 1, by: "sms" }] });
  });
});

test("in a handshake by GET the token has the first word", () => {
  const scheme = { header: "X-Token", algorithm: "token" };
  const answer = (options: object, query: string) =>
    new Rig("generic", { scheme, ...options }).source.handshake(query);
  const both = { challenge_parameter: "hub.challenge", verify_token: "t" };
  expect(answer(both, "hub.mode=subscribe&hub.challenge=1&hub.verify_token=x")).toMatchObject({
    status: 403,
  });
  expect(answer(both, "hub.mode=subscribe&hub.challenge=1&hub.verify_token=t")).toMatchObject({
    status: 200,
    body: "1",
  });
  expect(answer({ challenge_parameter: "c" }, "c=a%20b")).toMatchObject({ status: 200, body: "a b" });
  expect(answer({ challenge_parameter: "c" }, "d=1")).toBeUndefined();
  expect(answer({}, "hub.mode=subscribe")).toBeUndefined();
});
