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
import type { EventKind } from "../../core/parsed-body.ts";
import { PRESET_NAMES, PRESETS } from "../presets.ts";
import type { GenericScheme } from "../schemes/generic.ts";
import { proofInWords } from "../schemes/words.ts";
import { withPreset } from "./generic.ts";

const SECRETS: Readonly<Record<string, string>> = { "standard-webhooks": "whsec_c2VjcmV0" };
const preset = (name: string, options: object = {}) =>
  new Rig("generic", { preset: name, secret: SECRETS[name] ?? "a secret", ...options });

/** Presets that sign any body, by a shared secret; the others have cases of their own. */
const OF_ANY_BODY = PRESET_NAMES.filter((name) => {
  const {
    algorithm = "",
    signed = "",
    payload_hash,
    timestamp,
  }: GenericScheme = PRESETS[name].options.scheme;
  const isShared = algorithm.startsWith("hmac-") || algorithm.startsWith("jwt-hs");
  return (
    isShared && (signed.includes("{body}") || payload_hash === true) && !String(timestamp).startsWith("json ")
  );
});

describe.each(OF_ANY_BODY)("the preset %s", (name) => {
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
  ["woocommerce", "X-WC-Webhook-Delivery-ID"],
])("a delivery by %s is known by its %s, else by its bytes", (name, header) => {
  const keys = (value: string) =>
    preset(name)
      .keptOf("{}", { ...JSON_HEADERS, [header]: value })
      .events.map(({ key }) => key);
  expect([keys("d-1"), keys(" "), keys("x".repeat(641))]).toEqual([["d-1"], [sha256("{}")], [sha256("{}")]]);
});

test("a key of two parts is one only where both are there, and one that a source names counts more", () => {
  const keyOf = (headers: Readonly<Record<string, string>>, options: object = {}) =>
    preset("shopify", options).keptOf("{}", { ...JSON_HEADERS, ...headers }).events[0]?.key;
  const both = { "X-Shopify-Event-Id": "e-1", "X-Shopify-Topic": "orders/paid" };
  expect(keyOf(both)).toBe("e-1:orders/paid");
  expect(keyOf({ "X-Shopify-Event-Id": "e-1" })).toBe(sha256("{}"));
  expect(keyOf(both, { delivery_id_header: "X-Shopify-Event-Id" })).toBe("e-1");
  expect(keyOf(both, { delivery_id: "header X-Shopify-Topic" })).toBe("orders/paid");
  const inBody = preset("github", { delivery_id: ["json a.id", "json n"] });
  expect(inBody.keptOf('{"a":{"id":"x"},"n":7}').events[0]?.key).toBe("x:7");
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
      ["delete", "w2", "src:0"],
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

  test.each<[string, object, string | null]>([
    ["text_message", { text: "Hi" }, "Hi"],
    ["choice_response_message", { message_id: "M0", postback_data: "yes" }, "yes"],
    ["media_message", { url: "https://m.example/p.jpg" }, null],
    ["media_card_message", { url: "https://m.example/p.jpg", caption: "Look" }, "Look"],
    ["location_message", { title: "Quay", coordinates: { latitude: 1, longitude: 2 } }, null],
    ["product_response_message", { products: [{ id: "p" }], text: "Quickly" }, "Quickly"],
    [
      "channel_specific_message",
      { message_type: "nfm_reply", message: { nfm_reply: { body: "Sent", response_json: '{"n":4}' } } },
      '{"n":4}',
    ],
    ["fallback_message", { raw_message: "{}", reason: { code: "UNKNOWN" } }, null],
    ["hologram_message", { title: "?" }, null],
  ])("a contact's %s by Sinch has its name as type: %j", (type, content, text) => {
    const document = {
      app_id: "A1",
      message: {
        id: "M1",
        direction: "TO_APP",
        channel_identity: { channel: "WHATSAPP", identity: "15550001111" },
        contact_message: { reply_to: { message_id: "M0" }, [type]: content },
      },
    };
    expect(preset("sinch").keptOf(document).messages).toMatchObject([{ message_id: "src:M1", text, type }]);
  });

  test.each<[string, unknown, string | null]>([
    ["mo_text", "Hi", "Hi"],
    ["mo_binary", "VGhpcw==", null],
    ["mo_media", { subject: "s", message: "Look", media: [] }, "Look"],
  ])("an SMS by Sinch of the type %s, %j, has the text %j", (type, body, text) => {
    const sms = { type, id: "S1", from: "15550001111", to: "15550002222", body, received_at: RECEIVED };
    expect(preset("sinch").keptOf(sms).messages).toMatchObject([{ text, type }]);
  });

  test.each<[string, EventKind, object, string | null]>([
    ["sinch", "echo", { message: { id: "M1", direction: "TO_CONTACT", app_message: {} } }, "src:M1"],
    ["sinch", "echo", { message_submit_notification: { message_id: "M1", submitted_message: {} } }, "src:M1"],
    ["sinch", "status", { message_delivery_report: { message_id: "M1", status: "DELIVERED" } }, "src:M1"],
    ["sinch", "other", { event: { id: "E1", direction: "TO_APP", contact_event: {} } }, null],
    ["sinch", "status", { type: "recipient_delivery_report_sms", batch_id: "B1" }, null],
    ["messagebird", "echo", { type: "message.created", message: { id: "b1", direction: "sent" } }, "src:b1"],
    [
      "messagebird",
      "status",
      { type: "message.updated", message: { id: "b1", direction: "sent" } },
      "src:b1",
    ],
    [
      "messagebird",
      "status",
      { type: "message.updated", message: { id: "b1", direction: "received" } },
      "src:b1",
    ],
    ["messagebird", "status", { id: "b1", status: "delivered", recipient: "1", originator: "2" }, "src:b1"],
    ["messagebird", "other", { type: "conversation.created", conversation: { id: "c1" } }, null],
    ["chatwoot", "other", { event: "conversation_created", id: 9 }, null],
    ["line", "delete", { events: [{ type: "unsend", unsend: { messageId: "1" } }] }, "src:1"],
    ["line", "callback", { events: [{ type: "postback", postback: { data: "x" } }] }, null],
    ["line", "other", { events: [{ type: "follow" }] }, null],
  ])("by %s an event is of kind %s: %j", (name, kind, document, messageId) => {
    expect(preset(name).keptOf(document)).toMatchObject({ messages: [], events: [{ kind, messageId }] });
  });

  test.each<[object, string, string]>([
    [{ type: "user", userId: "U1" }, "line:U1", "line:Ud"],
    [{ type: "group", groupId: "C1", userId: "U1" }, "line:U1", "line:C1"],
    [{ type: "room", roomId: "R1", userId: "U1" }, "line:U1", "line:R1"],
    [{ type: "group", groupId: "C1" }, "line:C1", "line:C1"],
  ])("a message by LINE whose source is %j is from %s to %s", (source, from, to) => {
    const event = { type: "message", timestamp: AT, source, message: { id: "1", type: "text", text: "Hi" } };
    expect(preset("line").keptOf({ destination: "Ud", events: [event] }).messages).toMatchObject([
      { from, to },
    ]);
  });

  test.each<[string, object, string | null]>([
    ["text", { text: "Hi" }, "Hi"],
    ["image", { contentProvider: { type: "line" } }, null],
    ["video", { duration: 1 }, null],
    ["audio", { duration: 1 }, null],
    ["file", { fileName: "f.pdf" }, null],
    ["location", { title: "Quay", address: "1 Quay" }, null],
    ["sticker", { packageId: "1", stickerId: "2", text: "so it is" }, "so it is"],
  ])("a message by LINE of the type %s, %j, has the text %j", (type, fields, text) => {
    const source = { type: "user", userId: "U1" };
    const event = { type: "message", timestamp: AT, source, message: { id: "1", type, ...fields } };
    expect(preset("line").keptOf({ destination: "Ud", events: [event] }).messages).toMatchObject([
      { text, type },
    ]);
  });

  test.each<[string, object, string | null]>([
    ["text", { text: "Hi" }, "Hi"],
    ["image", { image: { url: "u", caption: "Look" } }, "Look"],
    ["video", { video: { url: "u", caption: "Look" } }, "Look"],
    ["audio", { audio: { url: "u" } }, null],
    ["file", { file: { url: "u", caption: "Read" } }, "Read"],
    ["location", { location: { latitude: 1, longitude: 2 } }, null],
    ["interactive", { interactive: { type: "button_reply", reply: { id: "1", text: "Yes" } } }, "Yes"],
  ])("a message by MessageBird of the type %s, %j, has the text %j", (type, content, text) => {
    const parties = { direction: "received", platform: "whatsapp", from: "+15550001111", to: "+15550002222" };
    const message = { id: "b1", ...parties, createdDatetime: RECEIVED, type, content };
    expect(preset("messagebird").keptOf({ type: "message.created", message }).messages).toMatchObject([
      { message_id: "src:b1", text, type },
    ]);
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
      const request = {
        method: "POST",
        headers: new Headers(trial?.headers),
        body: trial?.body as Uint8Array,
        url: "",
      };
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

  test("a type is the name of the member that is there", () => {
    const map = { message_id: "id", from: "=a:b", to: "=c", type: "member said.as except reply_to" };
    const type = (as: unknown) => rig(map).keptOf({ id: "1", said: { as } }).messages[0]?.type;
    expect(type({ reply_to: { id: "0" }, audio: null, image: { url: "u" } })).toBe("image");
    expect(type({ hologram: 1 })).toBe("hologram");
    for (const nothing of [{ reply_to: {} }, { image: null }, {}, [{ image: 1 }], "image", null])
      expect(type(nothing)).toBe("text");
    expect(
      columns(rig({ ...map, type: "member m" }).keptOf('{"id":"1","m":{"x":1}}')).messages,
    ).toMatchObject([{ type: "x" }]);
  });

  test("a list of maps takes each item by the first that understands it", () => {
    const maps = [
      { each: "list", when: { kind: "in" }, message_id: "id", from: "=a:b", to: "=c" },
      { each: "list", when: { kind: "gone" }, event: "delete", message_id: "about", event_id: "id" },
      { each: "list", event: "status", message_id: "read", event_id: "id" },
      { each: "others", message_id: "id", from: "=a:b", to: "=c" },
    ];
    const read = (document: object) => columns(rig(maps).keptOf(document));
    const list = [
      { kind: "in", id: "1" },
      { kind: "gone", id: "2", about: "1" },
      { id: "3", read: "1" },
      { kind: "gone", id: "4" },
      { id: "5" },
    ];
    const others = [{ id: "6" }];
    const { messages, events } = read({ list, others });
    expect(messages.map(({ message_id }) => message_id)).toEqual(["src:1"]);
    expect(events.map(([kind, , messageId]) => [kind, messageId])).toEqual([
      ["delete", "src:1"],
      ["status", "src:1"],
      ["other", "src:4"],
      ["other", "src:5"],
    ]);
    expect(read({ list: list.slice(4), others }).messages).toMatchObject([{ message_id: "src:6" }]);
    expect(read({ list: list.slice(1, 2), others })).toMatchObject({
      messages: [],
      events: [["delete", "2", "src:1"]],
    });
    expectTrialsComeBack(
      rig([maps[1], { message_id: "id", from: "f", to: "t" }] as unknown as object),
      () => ({ text: null, ts: RECEIVED }),
    );
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
    expectTrialsComeBack(rig({ ...map, type: "member p[1]" }), () => ({}));
    expectTrialsComeBack(rig({ ...map, each: "$", to: "to" }), () => ({}));
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
    new Rig("generic", { scheme, ...options }).greeting(query);
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

test("what GitHub and Shopify say in headers alone is kept with the event, without what they sign by", () => {
  const kept = (preset: string, headers: Readonly<Record<string, string>>) => {
    const rig = new Rig("generic", { preset });
    const request = rig.signed("{}", { ...JSON_HEADERS, ...headers });
    return rig.source.intakeOf(request, { proven: true }, AT).intake.post?.headers;
  };
  const type = { "content-type": "application/json" };
  expect(kept("github", { "X-GitHub-Event": "push", "X-GitHub-Delivery": "d1", "X-Other": "x" })).toEqual({
    ...type,
    "x-github-delivery": "d1",
    "x-github-event": "push",
  });
  expect(kept("shopify", { "X-Shopify-Topic": "orders/paid", "X-Shopify-Access-Token": "t" })).toEqual({
    ...type,
    "x-shopify-topic": "orders/paid",
  });
});

test("where a retry has other bytes, by its signature's time or as the source says, an event's key decides", () => {
  const scheme = { algorithm: "hmac-sha256", encoding: "hex", signed: "{timestamp}{body}" };
  const map = [{ event_id: "id" }];
  const eventOf = (places: object, options: object = {}) => {
    const { source } = new Rig("generic", { scheme: { ...scheme, ...places }, map, ...options });
    const body = Buffer.from('{"id":"e1"}');
    const request = { method: "POST", headers: new Headers(JSON_HEADERS), body, url: "/" };
    return source.intakeOf(request, { proven: true }, AT).intake.post?.events[0];
  };
  expect(eventOf({ header: "X-Sig", timestamp: "json at" })).toMatchObject({ key: "e1", keyDecides: true });
  const byHeaders = { header: "X-Sig", timestamp_header: "X-At" };
  expect(eventOf(byHeaders)).not.toHaveProperty("keyDecides");
  expect(eventOf(byHeaders, { key_decides: true })).toMatchObject({ key: "e1", keyDecides: true });
  expect(eventOf(byHeaders, { key_decides: false })).not.toHaveProperty("keyDecides");
});

test("a preset whose provider counts its attempts says so of its own key, not of a source's", () => {
  const stripe = (options: object = {}) => {
    const rig = preset("stripe", options);
    const request = rig.signed('{"id":"evt_1","account":"acct_1"}');
    return rig.source.intakeOf(request, { proven: true }, AT).intake.post?.events[0];
  };
  expect(stripe()).toMatchObject({ key: "evt_1", keyDecides: true });
  expect(stripe({ key_decides: false })).not.toHaveProperty("keyDecides");
  for (const own of [{ map: { event_id: "account" } }, { map: [], delivery_id: "json account" }]) {
    expect(stripe(own)).toMatchObject({ key: "acct_1" });
    expect(stripe(own)).not.toHaveProperty("keyDecides");
    expect(stripe({ ...own, key_decides: true })).toMatchObject({ keyDecides: true });
  }
});

test("a map of a source's own that says no key leaves the preset's, which decides", () => {
  const own = { preset: "google-pubsub", map: { event: "other", type: "=x" } } as const;
  const key = { delivery_id: "json message.messageId", key_decides: true };
  expect(withPreset(own)).toMatchObject(key);
  expect(withPreset({ ...own, map: { ...own.map, event_id: "id" } })).toMatchObject({ key_decides: false });
});

test("a proof in words says what another form of secret is checked by", () => {
  expect(proofInWords(PRESETS["standard-webhooks"].options.scheme)).toMatch(
    /^HMAC-SHA256 in .*, Ed25519 by a whpk_… secret$/,
  );
});
