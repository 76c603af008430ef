import { describe, expect, test } from "bun:test";
import {
  AT,
  columns,
  expectAnythingKept,
  expectEveryByteSigned,
  expectTrialsComeBack,
  expectUnknownFieldsIgnored,
  FORM_HEADERS,
  HOOK,
  JSON_HEADERS,
  RECEIVED,
  Rig,
  sha256,
} from "../../../tests/sources.ts";

describe("the Messages API", () => {
  const rig = new Rig("vonage");
  const MESSAGE = {
    message_uuid: "u-1",
    from: "15550001111",
    to: "15550002222",
    channel: "whatsapp",
    timestamp: "2026-01-15T11:00:00.900+01:00",
    message_type: "text",
    text: "Hello",
  };
  const kept = (fields: object) => rig.keptOf({ ...MESSAGE, ...fields });

  test.each<[string, object]>([
    ["custom", { custom: { type: "nfm_reply", nfm_reply: { response_json: '{"a":"b"}' } } }],
    [
      "content",
      {
        content: [
          { type: "image", url: "https://cdn.example/1" },
          { type: "text", text: '{"a":"b"}' },
        ],
      },
    ],
  ])("what was answered in a Flow, or is one of several parts, is the text: %s", (message_type, content) => {
    const { messages } = kept({ message_type, text: undefined, ...content });
    expect(messages).toMatchObject([{ text: '{"a":"b"}', type: message_type }]);
  });

  test("a message has numbers with + and its time in UTC", () => {
    expect(kept({})).toEqual({
      events: [],
      messages: [
        {
          message_id: "src:u-1",
          from: "+15550001111",
          to: "+15550002222",
          ts: "2026-01-15T10:00:00Z",
          text: "Hello",
          type: "text",
          own: JSON.stringify(MESSAGE),
        },
      ],
    });
  });

  test.each<[string, object, string | null]>([
    ["a caption", { message_type: "image", image: { url: "u", caption: "Look" } }, "Look"],
    ["a picture", { message_type: "image", image: { url: "u" } }, null],
    ["a reply", { message_type: "reply", reply: { id: "1", title: "Row" } }, "Row"],
    ["a pressed button", { message_type: "button", button: { payload: "p", text: "Yes" } }, "Yes"],
    [
      "what comes with an order",
      { message_type: "order", order: { text: "Quickly", product_items: [] } },
      "Quickly",
    ],
    ["a place", { message_type: "location", location: { lat: 1, long: 2, name: "Quay" } }, null],
    ["a contact", { message_type: "contact", contact: { name: { formatted_name: "A" } } }, null],
    ["a sticker", { message_type: "sticker", sticker: { url: "u" } }, null],
    ["what can't be shown", { message_type: "unsupported" }, null],
    ["a type that nobody knows", { message_type: "hologram" }, null],
  ])("the text of %s is taken", (_, fields, text) => {
    const message = { text: undefined, ...fields };
    expect(kept(message).messages).toMatchObject([{ text, type: (fields as typeof MESSAGE).message_type }]);
  });

  test("parties are numbers only where the channel has numbers, and short codes are none", () => {
    const parties = (channel: string, from: string) =>
      kept({ channel, from }).messages.map((each) => each.from);
    expect(parties("messenger", "15550001111")).toEqual(["messenger:15550001111"]);
    expect(parties("sms", "384387")).toEqual(["sms:384387"]);
    expect(parties("sms", "Shop")).toEqual(["sms:Shop"]);
  });

  test("version 0.1 of the API wraps numbers and what is said", () => {
    const older = {
      message_uuid: "u-1",
      from: { type: "whatsapp", number: "15550001111" },
      to: { type: "whatsapp", number: "15550002222" },
      timestamp: "2026-01-15T10:00:00Z",
      direction: "inbound",
      message: { content: { type: "image", image: { url: "u", caption: "Look" } } },
    };
    expect(rig.keptOf(older).messages).toMatchObject([
      { from: "+15550001111", to: "+15550002222", text: "Look", type: "image" },
    ]);
  });

  test("a status, a reaction and what nobody knows are events", () => {
    const { message_type: _, ...untyped } = MESSAGE;
    const events = (document: object) => columns(rig.keptOf(document)).events;
    expect(events({ ...untyped, status: "read" })).toEqual([["status", "u-1:read", "src:u-1"]]);
    const reaction = { ...untyped, message_type: "reaction", context: { message_uuid: "u-0" } };
    expect(events(reaction)).toEqual([["reaction", "u-1", "src:u-0"]]);
    expect(events({ ...MESSAGE, direction: "outbound" })).toEqual([["echo", "u-1", "src:u-1"]]);
    const odd = rig.keptOf({ ...untyped, status: {} });
    expect(odd).toMatchObject({ messages: [], events: [{ kind: "other", messageId: "src:u-1" }] });
  });

  test("what has no identifier is known by that of its token", () => {
    const request = rig.signed("[1]");
    const verdict = rig.source.verify(request, AT);
    const jti = verdict.proven ? verdict.claims?.["jti"] : undefined;
    expect(columns(rig.kept(request)).events).toEqual([["other", jti as string, null]]);
  });

  test("a day that isn't real is no time", () => {
    for (const timestamp of ["2026-02-30T10:00:00Z", "2026-01-15T24:00:00Z", "soon", 17, null])
      expect(kept({ timestamp }).messages).toMatchObject([{ ts: RECEIVED }]);
  });

  test("every byte is signed", () => {
    expectEveryByteSigned(rig, rig.signed(JSON.stringify(MESSAGE)));
  });

  test("fields that nobody knows change no message", () => {
    expectUnknownFieldsIgnored(rig, { ...MESSAGE, message_type: "image", image: { caption: "Look" } });
  });

  test("something is kept of anything, and fits its columns", () => {
    expectAnythingKept(rig, { ...MESSAGE, message_type: "image", image: { caption: "Look" }, status: null });
  });

  test("a trial is accepted and comes back", () => {
    expectTrialsComeBack(rig, () => ({}));
  });
});

describe("the older SMS API", () => {
  const rig = new Rig("vonage", { scheme: "vonage-sms-params" });
  const MESSAGE = {
    messageId: "0A1",
    msisdn: "15550001111",
    to: "15550002222",
    text: "a=b & c",
    type: "text",
    "message-timestamp": "2026-01-15 09:59:58",
  };
  const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();
  const expected = {
    message_id: "src:0A1",
    from: "+15550001111",
    to: "+15550002222",
    ts: "2026-01-15T09:59:58Z",
    text: "a=b & c",
    type: "text",
  };
  const signed = (fields: Record<string, string>) => rig.signed(form(fields), FORM_HEADERS);

  test("a message comes as a form, as a query or as JSON", () => {
    const request = signed(MESSAGE);
    const query = request.body.toString();
    const json = Buffer.from(JSON.stringify(Object.fromEntries(new URLSearchParams(query))));
    for (const each of [
      request,
      { method: "GET", headers: new Headers(), body: Buffer.alloc(0), url: `${HOOK}?${query}` },
      { method: "GET", headers: new Headers(JSON_HEADERS), body: Buffer.alloc(0), url: `${HOOK}?${query}` },
      { method: "POST", headers: new Headers(JSON_HEADERS), body: json, url: HOOK },
    ])
      expect(columns(rig.kept(each))).toEqual({ messages: [expected], events: [] });
  });

  test("a status is an event, and so is what has no sender", () => {
    const events = (fields: Record<string, string>) => columns(rig.kept(signed(fields))).events;
    expect(events({ ...MESSAGE, status: "delivered" })).toEqual([["status", "0A1:delivered", "src:0A1"]]);
    expect(events({ ...MESSAGE, msisdn: "" })).toMatchObject([["other", expect.any(String), "src:0A1"]]);
    const body = signed({ text: "x" }).body.toString();
    expect(events({ text: "x" })).toEqual([["other", sha256(body), null]]);
  });

  test("a status that is signed anew is told by its key, not by its bytes", () => {
    const [status] = rig.keptOf("messageId=m&status=delivered", FORM_HEADERS).events;
    expect(status).toMatchObject({ key: "m:delivered", keyDecides: true });
  });

  test("another parameter, value or time is no proof", () => {
    const query = signed(MESSAGE).body.toString();
    const proves = (text: string, now = AT) =>
      rig.source.verify(
        { method: "POST", headers: new Headers(FORM_HEADERS), body: Buffer.from(text), url: HOOK },
        now,
      ).proven;
    expect(proves(query)).toBe(true);
    expect(proves(query.replace("sig=", "sig=0"))).toBe(false);
    expect(proves(query.replace("15550001111", "15550001112"))).toBe(false);
    expect(proves(`${query}&extra=1`)).toBe(false);
    expect(proves(query.replace(/&?sig=\w+/, ""))).toBe(false);
    expect([-301, -299, 299, 301].map((seconds) => proves(query, AT + seconds * 1000))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  test("a name can't take other parameters in", () => {
    const query = signed(MESSAGE).body.toString();
    // Signed as `&message-timestamp=…&messageId=0A1&msisdn=…`: the same text with two parameters as
    // one.
    const merged = query.replace("messageId=0A1&msisdn=", "messageId%3D0A1%26msisdn=");
    expect(merged).not.toBe(query);
    expect(
      rig.source.verify(
        { method: "POST", headers: new Headers(FORM_HEADERS), body: Buffer.from(merged), url: HOOK },
        AT,
      ),
    ).toMatchObject({
      proven: false,
      why: "the name of a parameter holds & or =",
    });
  });

  test("something is kept of anything, and fits its columns", () => {
    expectAnythingKept(rig, MESSAGE, FORM_HEADERS);
  });

  test("a trial is accepted and comes back", () => {
    expectTrialsComeBack(rig, () => ({}));
  });
});
