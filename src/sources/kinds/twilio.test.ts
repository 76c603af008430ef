import { describe, expect, test } from "bun:test";
import { fc } from "../../../tests/property.ts";
import {
  AT,
  columns,
  expectAnythingKept,
  expectFitting,
  expectTrialsComeBack,
  FORM_HEADERS,
  HOOK,
  JSON_HEADERS,
  RECEIVED,
  Rig,
  sha256,
} from "../../../tests/sources.ts";
import type { EventKind } from "../../core/parsed-body.ts";

const rig = new Rig("twilio");

const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();
const MESSAGE = {
  MessageSid: "SM1",
  SmsSid: "SM1",
  SmsStatus: "received",
  From: "+15550001111",
  To: "+15550002222",
  Body: "Hello",
  NumMedia: "0",
};
const keptForm = (fields: Record<string, string>) =>
  rig.keptOf(form({ ...MESSAGE, ...fields }), FORM_HEADERS);

test("a message that comes in is one, though it has a status too; its time is that of its receipt", () => {
  expect(keptForm({})).toEqual({
    events: [],
    messages: [
      {
        message_id: "src:SM1",
        from: "+15550001111",
        to: "+15550002222",
        ts: RECEIVED,
        text: "Hello",
        type: "text",
        own: form(MESSAGE),
      },
    ],
  });
});

test.each<[string, Record<string, string>, string | null, string]>([
  ["a pressed button", { Body: "", ButtonText: "Yes", MessageType: "button" }, "Yes", "button"],
  ["a picture", { Body: "", NumMedia: "1" }, null, "media"],
  ["a picture with words", { Body: "Look", NumMedia: "1", MessageType: "" }, "Look", "media"],
])("the text of %s is taken", (_, fields, text, type) => {
  expect(keptForm(fields).messages).toMatchObject([{ text, type }]);
});

test.each([
  ["whatsapp:+15550001111", "+15550001111"],
  ["384387", "sms:384387"],
  ["messenger:1234567890", "messenger:1234567890"],
  ["rcs:brand_agent", "rcs:brand_agent"],
  ["Shop", "sms:Shop"],
])("the sender %s is kept as %s", (From, from) => {
  expect(keptForm({ From }).messages).toMatchObject([{ from }]);
});

test("a charset in the content type is no other form", () => {
  const headers = { "Content-Type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8" };
  expect(rig.keptOf(form(MESSAGE), headers)).toEqual(keptForm({}));
});

test("every status of a message is an event, also of the older callbacks", () => {
  const status = (fields: Record<string, string>) => columns(rig.keptOf(form(fields), FORM_HEADERS)).events;
  const sent = { MessageSid: "SM1", From: "+1", To: "+2", SmsStatus: "sent" };
  expect(status({ ...sent, MessageStatus: "sent" })).toEqual([["status", "SM1:sent", "src:SM1"]]);
  expect(status({ ...sent, MessageStatus: "read" })).toEqual([["status", "SM1:read", "src:SM1"]]);
  expect(status({ SmsSid: "SM1", SmsStatus: "delivered" })).toEqual([["status", "SM1:delivered", "src:SM1"]]);
});

test("a call, and a message without a sender, are events known by their bytes", () => {
  const call = form({ CallSid: "CA1", From: "+15550001111" });
  expect(columns(rig.keptOf(call, FORM_HEADERS)).events).toEqual([["other", sha256(call), null]]);
  const body = form({ ...MESSAGE, From: "" });
  expect(columns(rig.keptOf(body, FORM_HEADERS)).events).toEqual([["other", sha256(body), "src:SM1"]]);
});

test("a form that was split anew under the same signature makes no message", () => {
  const sent = { Body: "Hello", From: "+15550001111", MessageSid: "SM1", NumMedia: "0", To: "+15550002222" };
  const caught = rig.signed(form(sent), FORM_HEADERS);
  const { NumMedia: _, ...others } = sent;
  const split = { ...caught, body: Buffer.from(form({ ...others, MessageSid: "SM1NumMedia0" })) };
  // Twilio signs names and values with nothing between them: the signature is that of both.
  expect(rig.proves(split)).toBe(true);
  const { messages, events } = columns(rig.kept(split));
  expect(messages).toEqual([]);
  expect(events).toEqual([["other", sha256(form({ ...others, MessageSid: "SM1NumMedia0" })), null]]);
});

test("a form with more parameters than any provider sends is verified all the same, and kept whole", () => {
  const many = Array.from({ length: 1001 }, (_, index): [string, string] => [
    `N${(index * 7919) % 1001}`,
    `${index % 3}`,
  ]);
  const body = new URLSearchParams([...many, ...Object.entries(MESSAGE)]).toString();
  const request = rig.signed(body, FORM_HEADERS);
  expect(columns(rig.kept(request))).toEqual({ messages: [], events: [["other", sha256(body), null]] });
  const verdict = rig.source.verify(request, AT);
  const kept = verdict.proven ? rig.source.intakeOf(request, verdict, AT).keptWhole : undefined;
  expect(kept).toBe("more than 1000 parameters");
});

test("what comes by GET is read from the query that was signed", () => {
  const url = `${HOOK}?${form(MESSAGE)}`;
  expect(rig.kept(rig.signed("", {}, url)).messages).toEqual(keptForm({}).messages);
  const request = rig.signed("", {}, url);
  expect(rig.proves({ ...request, url: url.replace("Hello", "Hullo") })).toBe(false);
});

describe("Conversations", () => {
  const ADDED = {
    EventType: "onMessageAdded",
    MessageSid: "IM1",
    ConversationSid: "CH1",
    ParticipantSid: "MB1",
    Source: "SMS",
    Author: "+15550001111",
    Body: "Hello",
    DateCreated: "2025-06-08T20:59:43.111Z",
    RetryCount: "0",
  };
  const keptOf = (fields: Record<string, string>) => rig.keptOf(form({ ...ADDED, ...fields }), FORM_HEADERS);

  test("what somebody adds to a conversation is a message to the conversation", () => {
    expect(columns(keptOf({}))).toEqual({
      events: [],
      messages: [
        {
          message_id: "src:IM1",
          from: "+15550001111",
          to: "sms:CH1",
          ts: "2025-06-08T20:59:43Z",
          text: "Hello",
          type: "text",
        },
      ],
    });
    const parties = (fields: Record<string, string>) =>
      keptOf(fields).messages.map(({ from, to, type }) => [from, to, type]);
    expect(parties({ Source: "WHATSAPP", Author: "whatsapp:+15550001111" })).toEqual([
      ["+15550001111", "whatsapp:CH1", "text"],
    ]);
    expect(parties({ Source: "SDK", Author: "anna", Body: "", Media: "[{}]" })).toEqual([
      ["sdk:anna", "sdk:CH1", "media"],
    ]);
  });

  test.each<[string, Record<string, string>]>([
    ["by the REST API", { Source: "API", Author: "agent-7" }],
    ["in the system's name", { Author: "system" }],
  ])("what the business adds %s is an echo", (_, fields) => {
    expect(columns(keptOf(fields))).toEqual({
      messages: [],
      events: [["echo", "IM1:MessageAdded:2025-06-08T20:59:43.111Z", "src:IM1"]],
    });
  });

  const DateUpdated = "2025-06-08T21:00:00Z";

  test.each<[string, Record<string, string>, EventKind, string, string | null]>([
    ["onMessageUpdated", { DateUpdated }, "edit", `IM1:MessageUpdated:${DateUpdated}`, "src:IM1"],
    [
      "onMessageRemoved",
      { DateRemoved: DateUpdated },
      "delete",
      `IM1:MessageRemoved:${DateUpdated}`,
      "src:IM1",
    ],
    [
      "onDeliveryUpdated",
      { DateUpdated, DeliveryReceiptSid: "DY1", Status: "read" },
      "status",
      `DY1:DeliveryUpdated:${DateUpdated}`,
      "src:IM1",
    ],
    [
      "onParticipantAdded",
      { MessageSid: "" },
      "other",
      "MB1:ParticipantAdded:2025-06-08T20:59:43.111Z",
      null,
    ],
  ])("%s is an event, the same whichever retry brings it", (EventType, fields, kind, key, messageId) => {
    for (const RetryCount of ["0", "1"])
      expect(columns(keptOf({ EventType, ...fields, RetryCount })).events).toEqual([[kind, key, messageId]]);
  });

  test("what has no identifier of a message yet is no message", () => {
    const { MessageSid: _, ...before } = ADDED;
    const { messages, events } = rig.keptOf(form({ ...before, EventType: "onMessageAdd" }), FORM_HEADERS);
    expect([messages, events.map(({ kind }) => kind)]).toEqual([[], ["other"]]);
    expect(keptOf({ MessageSid: "IM1ParticipantSidMB1" })).toMatchObject({
      messages: [],
      events: [{ kind: "other", messageId: null }],
    });
  });
});

describe("a body that is no form", () => {
  const body = '{"a":1}';
  const signed = (hash: string) => rig.signed("", {}, `${HOOK}?bodySHA256=${hash}`).headers;
  const request = (hash: string, content: string) => {
    const headers = new Headers([...signed(hash), ...Object.entries(JSON_HEADERS)]);
    return { method: "POST", headers, body: Buffer.from(content), url: `${HOOK}?bodySHA256=${hash}` };
  };

  test("a body that is no form is proven by its hash in the URL, and is an event", () => {
    expect(columns(rig.kept(request(sha256(body), body))).events).toEqual([["other", sha256(body), null]]);
    expect(rig.proves(request(sha256(body), `${body} `))).toBe(false);
    expect(rig.proves(request("", body))).toBe(false);
  });

  test("a GET with the hash of a body that isn't sent is proven by its URL, and has to bring something", () => {
    const hash = `bodySHA256=${"b7a80df5".repeat(8)}`;
    const get = (query: string, body = "") => {
      const url = `${HOOK}?${query}`;
      const { headers } = rig.signed("", {}, url);
      return { method: "GET", headers, body: Buffer.from(body), url };
    };
    const status = `${hash}&${hash}&AccountSid=AC1&BundleSid=BU1&Status=pending-review&FailureReason=`;
    expect(rig.proves(get(status))).toBe(true);
    expect(rig.proves({ ...get(status), url: `${HOOK}?${status}x` })).toBe(false);
    // What was posted can't come again as a GET, nor a GET as a POST.
    for (const query of [hash, ""]) expect(rig.proves(get(query))).toBe(false);
    expect(rig.proves({ ...get(status), method: "POST" })).toBe(false);
    expect(rig.proves({ ...get(status), method: "POST", body: Buffer.from(body) })).toBe(false);
  });

  const stream = (...events: unknown[]) => {
    const content = JSON.stringify(events);
    return rig.kept(request(sha256(content), content));
  };
  const event = (type: string, id: string, data: object) => ({
    specversion: "1.0",
    type: `com.twilio.${type}`,
    id,
    time: "2025-06-08T20:59:43.500Z",
    data,
  });

  test("of Event Streams, what comes in is a message and all else an event under its own identifier", () => {
    const found = stream(
      event("messaging.inbound-message.received", "EZ1", {
        messageSid: "SM1",
        from: "whatsapp:+15550001111",
        to: "whatsapp:+15550002222",
        body: "Hello",
        numMedia: 0,
        timestamp: "2025-06-08T20:59:42.000Z",
      }),
      event("messaging.message.delivered", "EZ2", { messageSid: "SM2", messageStatus: "DELIVERED" }),
      event("conversations.message.added", "EZ3", {
        MessageSid: "IM1",
        ConversationSid: "CH1",
        Author: "+15550001111",
        MessageBody: "two rooms",
        DateCreated: "2025-06-08T20:59:42.000Z",
        Media: [{ MediaSid: "ME1" }],
      }),
      event("conversations.message.added", "EZ4", {
        MessageSid: "IM2",
        ConversationSid: "CH1",
        Author: "system",
      }),
      event("conversations.message.updated", "EZ5", { MessageSid: "IM1", MessageBody: "three" }),
      event("conversations.message.removed", "EZ6", { MessageSid: "IM1" }),
      event("studio.flow.step.ended", "EZ7", {}),
      event("messaging.inbound-message.received", "EZ8", { messageSid: "SM3", to: "+15550002222" }),
    );
    const ts = "2025-06-08T20:59:42Z";
    expect(columns(found)).toEqual({
      messages: [
        { message_id: "src:SM1", from: "+15550001111", to: "+15550002222", ts, text: "Hello", type: "text" },
        { message_id: "src:IM1", from: "+15550001111", to: "sms:CH1", ts, text: "two rooms", type: "media" },
      ],
      events: [
        ["status", "EZ2", "src:SM2"],
        ["echo", "EZ4", "src:IM2"],
        ["edit", "EZ5", "src:IM1"],
        ["delete", "EZ6", "src:IM1"],
        ["other", "EZ7", null],
        ["other", "EZ8", "src:SM3"],
      ],
    });
    expect(found.events.map((each) => each.ts)).toContain("2025-06-08T20:59:43Z");
  });

  test("a body that is no form is not proven without its hash, though the signature of the URL holds", () => {
    const { headers } = rig.signed("", {}, HOOK);
    headers.set("Content-Type", "application/json");
    expect(rig.proves({ method: "POST", headers, body: Buffer.from(body), url: HOOK })).toBe(false);
  });
});

describe("whatever Twilio sends", () => {
  const parameters = (body: Uint8Array) =>
    [...new URLSearchParams(Buffer.from(body).toString())].map((pair) => pair.join("=")).sort();

  test("another byte is no proof, unless the parameters are the same by it", () => {
    const request = rig.signed(form({ ...MESSAGE, Body: "50% off: é" }), FORM_HEADERS);
    let refused = 0;
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 7 }), (at, bit) => {
        const body = Uint8Array.from(request.body);
        const index = at % body.length;
        body[index] = (body[index] as number) ^ (1 << bit);
        const same = Bun.deepEquals(parameters(body), parameters(request.body));
        expect(rig.proves({ ...request, body })).toBe(same);
        refused += same ? 0 : 1;
        const signature = request.headers.get("X-Twilio-Signature") as string;
        const place = at % signature.length;
        const other = signature[place] === "A" ? "B" : "A";
        const headers = new Headers(request.headers);
        headers.set("X-Twilio-Signature", signature.slice(0, place) + other + signature.slice(place + 1));
        expect(rig.proves({ ...request, headers })).toBe(false);
      }),
    );
    expect(refused).toBeGreaterThan(150);
  });

  test("parameters that nobody knows change no message", () => {
    const name = fc.string({ minLength: 1 }).filter((each) => !(each in MESSAGE));
    fc.assert(
      fc.property(name, fc.string(), (unknown, value) => {
        fc.pre(!["ButtonText", "MessageType", "MessageStatus"].includes(unknown));
        expect(columns(keptForm({ [unknown]: value }))).toEqual(columns(keptForm({})));
      }),
    );
  });

  test("something is kept of any values, and fits its columns", () => {
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom("", " ", "\0", "é".repeat(400), "x:y", "+", "whatsapp:"),
    );
    const names = fc.constantFrom(...Object.keys(MESSAGE), "MessageStatus", "MessageType", "ButtonText");
    fc.assert(
      fc.property(fc.dictionary(names, value), (fields) => {
        expectFitting(keptForm(fields));
      }),
    );
    expectAnythingKept(rig, MESSAGE, FORM_HEADERS);
  });

  test("a trial is accepted and comes back, with the time of its receipt", () => {
    expectTrialsComeBack(rig, ({ message_id }) => ({
      message_id: `src:SM${sha256(message_id).slice(0, 32)}`,
      ts: RECEIVED,
    }));
    const sid = "SM0123456789abcdef0123456789abcdef";
    const message = { message_id: sid, from: "+15550001111", to: "+15550002222", ts: RECEIVED, text: null };
    const trial = rig.source.trial(message, HOOK, AT);
    expect(new URLSearchParams(Buffer.from(trial?.body ?? "").toString()).get("MessageSid")).toBe(sid);
  });
});

test("what was answered in a WhatsApp Flow is the text of a message without another one", () => {
  const InteractiveData = '{"pages":[{"items":[{"label":"Room","value":"with a view"}]}]}';
  const flow = { Body: "", MessageType: "interactive", InteractiveData };
  expect(keptForm(flow).messages).toMatchObject([{ text: InteractiveData, type: "interactive" }]);
});
