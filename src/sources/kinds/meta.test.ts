import { describe, expect, test } from "bun:test";
import { fc } from "../../../tests/property.ts";
import {
  columns,
  expectAnythingKept,
  expectEveryByteSigned,
  expectTrialsComeBack,
  expectUnknownFieldsIgnored,
  identities,
  RECEIVED,
  Rig,
  sha256,
} from "../../../tests/sources.ts";

const rig = new Rig("meta", { verify_token: "a token" });

const METADATA = { display_phone_number: "+1 (555) 078-3881", phone_number_id: "106540352242922" };
const whatsapp = (value: object, id = "102290129340398") => ({
  id,
  changes: [{ field: "messages", value: { messaging_product: "whatsapp", metadata: METADATA, ...value } }],
});
const notification = (...entry: unknown[]) => ({ object: "whatsapp_business_account", entry });
const text = (id: string, fields: object = {}) => ({
  id,
  from: "16505551234",
  timestamp: "1749416383",
  type: "text",
  text: { body: `this is ${id}` },
  ...fields,
});
const status = (id: string, state: string, fields: object = {}) => ({
  id,
  status: state,
  timestamp: "1749416390",
  recipient_id: "16505551234",
  ...fields,
});
const flow = (nfm_reply: object) => ({
  type: "interactive",
  interactive: { type: "nfm_reply", nfm_reply: { name: "flow", ...nfm_reply } },
});
const kept = (...messages: unknown[]) => rig.keptOf(notification(whatsapp({ messages })));

describe("WhatsApp", () => {
  test.each<[string, object, string | null]>([
    ["a body", { text: { body: " as it is\n" } }, " as it is\n"],
    ["a caption", { type: "image", image: { id: "1", caption: "A caption" } }, "A caption"],
    ["an image alone", { type: "image", image: { id: "1" } }, null],
    ["an empty body", { text: { body: "" } }, null],
    ["a pressed button", { type: "button", button: { payload: "p", text: "Yes" } }, "Yes"],
    [
      "a reply to buttons",
      {
        type: "interactive",
        interactive: { type: "button_reply", button_reply: { id: "1", title: "Left" } },
      },
      "Left",
    ],
    [
      "a row of a list",
      { type: "interactive", interactive: { type: "list_reply", list_reply: { id: "1", title: "Row" } } },
      "Row",
    ],
    ["what comes with an order", { type: "order", order: { text: "Quickly" } }, "Quickly"],
    [
      "a Flow's form",
      flow({
        body: "Sent",
        response_json:
          '{"rating":"Very good","again":true,"extras":["tea","jam"],"when":{"day":"today"},"note":null,"flow_token":"t"}',
      }),
      "Sent\nrating: Very good\nagain: true\nextras: tea, jam\nwhen: day: today",
    ],
    ["a form without a line of its own", flow({ body: "", response_json: '{"guests":4}' }), "guests: 4"],
    ["a form with no answers", flow({ body: "Sent", response_json: '{"flow_token":"t"}' }), "Sent"],
    ["a form that is no JSON", flow({ body: "Sent", response_json: "{oops" }), "Sent\n{oops"],
    [
      "an answer to a request to call",
      {
        type: "interactive",
        interactive: { type: "call_permission_reply", call_permission_reply: { response: "accept" } },
      },
      "accept",
    ],
    ["what WhatsApp can't show", { type: "unsupported", errors: [{ code: 131060 }] }, null],
    ["a type that nobody knows", { type: "hologram", hologram: {} }, null],
  ])("the text of %s is taken", (_, fields, expected) => {
    const message = text("wamid.1", { text: undefined, ...fields });
    expect(kept(message)).toEqual({
      events: [],
      messages: [
        {
          message_id: "src:wamid.1",
          from: "+16505551234",
          to: "+15550783881",
          ts: "2025-06-08T20:59:43Z",
          text: expected,
          type: message.type,
          own: JSON.stringify(message),
        },
      ],
    });
  });

  test("a sender without a number is known by the account, a business without one by its identifier", () => {
    const value = {
      metadata: { phone_number_id: "106540352242922" },
      messages: [text("wamid.1", { from: "", from_user_id: "US.13491208655302741918" })],
    };
    expect(rig.keptOf(notification(whatsapp(value))).messages).toMatchObject([
      { from: "whatsapp:US.13491208655302741918", to: "whatsapp:106540352242922" },
    ]);
  });

  test("what is about another message is an event about it, under an identifier of its own", () => {
    const found = kept(
      text("wamid.r", { type: "reaction", reaction: { message_id: "wamid.1", emoji: "👍" } }),
      text("wamid.e", { type: "edit", edit: { original_message_id: "wamid.1", message: {} } }),
      text("wamid.d", { type: "revoke", revoke: { original_message_id: "wamid.1" } }),
      text("wamid.s", { type: "system", system: { body: "a new number" } }),
      text("wamid.w", { type: "request_welcome" }),
    );
    expect(columns(found)).toEqual({
      messages: [],
      events: [
        ["reaction", "wamid.r", "src:wamid.1"],
        ["edit", "wamid.e", "src:wamid.1"],
        ["delete", "wamid.d", "src:wamid.1"],
        ["system", "wamid.s", "src:wamid.s"],
        ["system", "wamid.w", "src:wamid.w"],
      ],
    });
  });

  test("each status of a message is an event, in a group once for each member", () => {
    const inGroup = (member: string) => status("g", "read", { recipient_participant_id: member });
    const statuses = [
      status("a", "sent"),
      status("a", "read"),
      inGroup("1"),
      inGroup("2"),
      { status: "read" },
    ];
    expect(columns(rig.keptOf(notification(whatsapp({ statuses })))).events).toEqual([
      ["status", "a:sent", "src:a"],
      ["status", "a:read", "src:a"],
      ["status", "g:1:read", "src:g"],
      ["status", "g:2:read", "src:g"],
      ["status", sha256('{"status":"read"}'), null],
    ]);
  });

  test("no two different events have one key, whatever their identifiers are", () => {
    const events = columns(
      rig.keptOf(
        notification(
          whatsapp({
            messages: [text("a:read", { type: "edit" })],
            statuses: [status("a", "read"), status("a", "b:read"), status("a:b", "read")],
            message_echoes: [text("a:b:read")],
          }),
        ),
      ),
    ).events;
    expect(new Set(events.map(([, key]) => key)).size).toBe(5);
  });

  test("what the business itself sent is an echo", () => {
    const message_echoes = [
      text("wamid.1"),
      text("wamid.2", { type: "edit", edit: { original_message_id: "x" } }),
    ];
    expect(columns(rig.keptOf(notification(whatsapp({ message_echoes })))).events).toEqual([
      ["echo", "wamid.1", "src:wamid.1"],
      ["echo", "wamid.2", "src:x"],
    ]);
  });

  test.each<[string, object]>([
    ["from its number", { from: "15550783881" }],
    ["from its number's identifier", { from: "106540352242922" }],
    ["to somebody else", { from: "1", to: "16505551234" }],
  ])("what the business sent %s is an echo wherever it stands", (_, fields) => {
    const own = text("wamid.1", fields);
    const threads = [{ id: "16505551234", messages: [own] }];
    for (const value of [{ messages: [own] }, { history: [{ threads }] }, { message_echoes: [own] }])
      expect(columns(rig.keptOf(notification(whatsapp(value))))).toEqual({
        messages: [],
        events: [["echo", "wamid.1", "src:wamid.1"]],
      });
  });

  test("a message that names the business as its recipient is a message", () => {
    expect(kept(text("wamid.1", { to: "15550783881" })).messages).toHaveLength(1);
    expect(kept(text("wamid.1", { to: "106540352242922" })).messages).toHaveLength(1);
  });

  test("the past comes in threads: what people wrote are messages, the business's own echoes", () => {
    const history_context = { status: "READ" };
    const theirs = (id: string, fields = {}) => text(id, { history_context, ...fields });
    const ours = (id: string, fields = {}) => theirs(id, { from: "15550783881", ...fields });
    const history = [
      {
        metadata: { phase: 0, chunk_order: 1, progress: 50 },
        threads: [
          { id: "16505551234", messages: [ours("wamid.1"), theirs("wamid.2")] },
          { id: "16505551235", messages: [theirs("wamid.3", { from: "16505551235" })] },
        ],
      },
      { metadata: { phase: 0, chunk_order: 2, progress: 100 }, threads: [] },
      { errors: [{ code: 2593109 }] },
    ];
    const found = rig.keptOf(notification(whatsapp({ history })));
    expect(found.messages).toMatchObject([
      { message_id: "src:wamid.2", from: "+16505551234", to: "+15550783881", text: "this is wamid.2" },
      { message_id: "src:wamid.3", from: "+16505551235", to: "+15550783881", text: "this is wamid.3" },
    ]);
    expect(found.events.map(({ kind, messageId }) => [kind, messageId])).toEqual([
      ["echo", "src:wamid.1"],
      ["other", null],
      ["other", null],
    ]);
  });

  test("a placeholder leaves its identifier to the message with its caption", () => {
    const placeholder = { type: "media_placeholder", text: undefined };
    const image = { type: "image", text: undefined, image: { id: "1", caption: "the menu" } };
    const own = { from: "15550783881" };
    const found = kept(
      text("wamid.1", placeholder),
      text("wamid.1", image),
      text("wamid.2", { ...own, ...placeholder }),
      text("wamid.2", { ...own, ...image }),
    );
    expect(found.messages).toMatchObject([{ message_id: "src:wamid.1", type: "image", text: "the menu" }]);
    expect(columns(found).events).toEqual([
      ["other", "wamid.1:media_placeholder", "src:wamid.1"],
      ["echo", "wamid.2:media_placeholder", "src:wamid.2"],
      ["echo", "wamid.2", "src:wamid.2"],
    ]);
  });

  test("a partner's change without an entry around it is read like any other", () => {
    const data = {
      ...whatsapp({ history: [{ threads: [{ id: "16505551234", messages: [text("wamid.1")] }] }] }).changes[0]
        ?.value,
      id: "102290129340398",
    };
    expect(rig.keptOf({ id: "e", event: "history", data }).messages).toMatchObject([
      { message_id: "src:wamid.1", from: "+16505551234", to: "+15550783881" },
    ]);
    expect(columns(rig.keptOf({ id: "e", event: "x", data: { id: "1" } })).events).toHaveLength(1);
  });

  test("each contact of the business's app is an event with its time", () => {
    const contact = (action: string) => ({
      type: "contact",
      contact: { phone_number: "16505551234" },
      action,
      metadata: { timestamp: "1749416383" },
    });
    const { events } = rig.keptOf(
      notification(whatsapp({ state_sync: [contact("add"), contact("remove")] })),
    );
    expect(events.map(({ kind, ts }) => [kind, ts])).toEqual([
      ["other", "2025-06-08T20:59:43Z"],
      ["other", "2025-06-08T20:59:43Z"],
    ]);
  });

  test("a message that says no type has its member's name", () => {
    expect(kept(text("wamid.1", { type: undefined })).messages).toMatchObject([
      { type: "text", text: "this is wamid.1" },
    ]);
    expect(kept({ id: "wamid.2", from: "1650555", timestamp: "1749416383" }).messages).toMatchObject([
      { type: "unknown" },
    ]);
  });

  test("a message to a group is to the group", () => {
    expect(kept(text("wamid.1", { group_id: "Y2FwaV9ncm91cDox" })).messages).toMatchObject([
      { from: "+16505551234", to: "whatsapp:Y2FwaV9ncm91cDox" },
    ]);
  });

  test("neither a broken nor an unknown entry costs the others", () => {
    const unknown = { field: "account_update", value: { event: "VERIFIED_ACCOUNT" } };
    const found = rig.keptOf(
      notification(
        null,
        { id: "1", time: 17, changes: [unknown] },
        { id: "2", changes: {} },
        whatsapp({ messages: [7, text("wamid.1"), { type: "text" }, text("wamid.2", { id: " " })] }),
        whatsapp({ messages: [text("wamid.3")], statuses: "none" }),
      ),
    );
    expect(found.messages.map(({ message_id }) => message_id)).toEqual(["src:wamid.1", "src:wamid.3"]);
    expect(found.events.map(({ kind, own }) => [kind, own])).toEqual([
      ["other", "null"],
      ["other", JSON.stringify(unknown)],
      ["other", '{"id":"2","changes":{}}'],
      ["other", "7"],
      ["other", '{"type":"text"}'],
      ["other", JSON.stringify(text("wamid.2", { id: " " }))],
    ]);
  });

  test("the same change of an account at another time is another event", () => {
    const at = (time: number) => ({ id: "1", time, changes: [{ field: "account_update", value: {} }] });
    const keys = rig.keptOf(notification(at(1), at(2), at(1))).events.map(({ key }) => key);
    expect([keys[0] === keys[1], keys[0] === keys[2]]).toEqual([false, true]);
  });

  test("what doesn't fit a column is kept as an event, and what no column can hold is replaced", () => {
    const found = kept(
      text("i".repeat(636)),
      text("i".repeat(637)),
      text("wamid.1", { from: `US.${"é".repeat(130)}` }),
      text("wamid.\0", { text: { body: "a\0b\ud800" } }),
      text("wamid.2", { timestamp: "1749416383000000" }),
      text("wamid.3", { timestamp: -5, type: "t".repeat(65) }),
    );
    expect(found.events.map(({ kind, messageId }) => [kind, messageId])).toEqual([
      ["other", null],
      ["other", null],
    ]);
    expect(found.messages).toMatchObject([
      { message_id: `src:${"i".repeat(636)}` },
      { message_id: "src:wamid.\ufffd", text: "a\ufffdb\ufffd" },
      { ts: RECEIVED },
      { ts: RECEIVED, type: "unknown" },
    ]);
  });

  test("a thousand messages are all kept, in order; ten thousand and more are no batch, and one event", () => {
    const ids = Array.from({ length: 1000 }, (_, index) => `wamid.${index}`);
    const found = kept(...ids.map((id) => text(id)));
    expect(found.messages.map(({ message_id }) => message_id)).toEqual(ids.map((id) => `src:${id}`));
    const zeros = `{"entry":[${"0,".repeat(10_000)}0]}`;
    expect(columns(rig.keptOf(zeros))).toEqual({ messages: [], events: [["other", sha256(zeros), null]] });
  });
});

describe("Messenger and Instagram", () => {
  const item = (fields: object) => ({
    sender: { id: "1234567890123456" },
    recipient: { id: "998877" },
    timestamp: 1749416383999,
    ...fields,
  });
  const page = (object: string, ...messaging: unknown[]) => ({
    object,
    entry: [{ id: "998877", messaging }],
  });

  test.each([
    ["page", "messenger"],
    ["instagram", "instagram"],
  ])("a message to a %s comes by %s, whose identifiers are no numbers", (object, channel) => {
    const message = item({ message: { mid: "m_1", text: "Hello" } });
    expect(rig.keptOf(page(object, message)).messages).toEqual([
      {
        message_id: "src:m_1",
        from: `${channel}:1234567890123456`,
        to: `${channel}:998877`,
        ts: "2025-06-08T20:59:43Z",
        text: "Hello",
        type: "text",
        own: JSON.stringify(message),
      },
    ]);
  });

  test("an attachment has no text; all else is an event", () => {
    const items = [
      item({ message: { mid: "m_1", attachments: [{ type: "image", payload: {} }] } }),
      item({ message: { mid: "m_2", text: "Ours", is_echo: true } }),
      item({ message: { mid: "m_1", is_deleted: true } }),
      item({ reaction: { mid: "m_1", action: "react" } }),
      item({ message_edit: { mid: "m_1", text: "Better" } }),
      item({ postback: { mid: "m_3", title: "Start", payload: "GO" } }),
      item({ read: { watermark: 1 } }),
      item({ delivery: { mids: ["m_2", "m_0"], watermark: 1 } }),
      item({ optin: {} }),
    ];
    const own = (index: number) => sha256(JSON.stringify(items[index]));
    const found = rig.keptOf(page("page", ...items));
    expect(found.messages).toMatchObject([{ message_id: "src:m_1", text: null, type: "image" }]);
    expect(columns(found).events).toEqual([
      ["echo", "m_2", "src:m_2"],
      ["delete", own(2), "src:m_1"],
      ["reaction", own(3), "src:m_1"],
      ["edit", own(4), "src:m_1"],
      ["callback", own(5), "src:m_3"],
      ["status", own(6), null],
      ["status", own(7), "src:m_2"],
      ["status", sha256(`m_0${JSON.stringify(items[7])}`), "src:m_0"],
      ["other", own(8), null],
    ]);
  });

  test("the type of what has no text is its attachment's, else unknown", () => {
    const typed = (fields: object) =>
      rig.keptOf(page("instagram", item({ message: { mid: "m_1", ...fields } }))).messages;
    const attached = (type: string) => ({ attachments: [{ type, payload: { title: "a title" } }] });
    for (const type of ["image", "video", "audio", "file", "share", "story_mention", "ig_reel", "ig_post"])
      expect(typed(attached(type))).toMatchObject([{ type, text: null }]);
    expect(typed({ text: "", ...attached("image") })).toMatchObject([{ type: "image", text: null }]);
    expect(typed({ is_unsupported: true })).toMatchObject([{ type: "unknown", text: null }]);
    expect(typed({ hologram: {}, is_self: true })).toMatchObject([{ type: "hologram", text: null }]);
    const reply = { text: "love it", reply_to: { story: { id: "1" } } };
    expect(typed(reply)).toMatchObject([{ type: "text", text: "love it" }]);
  });

  test("what the page itself sends is an echo, though nothing else says so", () => {
    const sent = item({
      sender: { id: "998877" },
      recipient: { id: "1" },
      message: { mid: "m_1", text: "Hi" },
    });
    expect(columns(rig.keptOf(page("page", sent)))).toEqual({
      messages: [],
      events: [["echo", "m_1", "src:m_1"]],
    });
  });

  test("what somebody writes while another app answers them is a message too", () => {
    const standby = [
      item({ message: { mid: "m_1", text: "Hello" } }),
      item({ message: { mid: "m_2", text: "Ours", is_echo: true } }),
    ];
    const found = rig.keptOf({ object: "page", entry: [{ id: "998877", standby }] });
    expect(found.messages).toMatchObject([{ message_id: "src:m_1", text: "Hello" }]);
    expect(columns(found).events).toEqual([["echo", "m_2", "src:m_2"]]);
  });

  test("the console's test button sends a change, with its time in seconds", () => {
    const value = {
      sender: { id: "12334" },
      recipient: { id: "23245" },
      timestamp: "1749416383",
      message: { mid: "random_mid", text: "random_text" },
    };
    const button = (fields: object) => ({
      object: "instagram",
      entry: [{ id: "0", time: 1, changes: [{ field: "messages", value: { ...value, ...fields } }] }],
    });
    expect(rig.keptOf(button({}))).toEqual({
      events: [],
      messages: [
        {
          message_id: "src:random_mid",
          from: "instagram:12334",
          to: "instagram:23245",
          ts: "2025-06-08T20:59:43Z",
          text: "random_text",
          type: "text",
          own: JSON.stringify(value),
        },
      ],
    });
    const postback = { message: undefined, postback: { mid: "m_3", title: "Start" } };
    expect(rig.keptOf(button(postback)).events).toMatchObject([{ kind: "callback", messageId: "src:m_3" }]);
    expect(rig.keptOf(button({ sender: undefined })).events).toMatchObject([{ kind: "other" }]);
  });
});

test("the handshake is answered to whoever knows the token, and a blank token is none", () => {
  const query = (token: string) => `hub.mode=subscribe&hub.challenge=115&hub.verify_token=${token}`;
  const plain = { status: 200, type: "text/plain; charset=utf-8", body: "115" };
  expect(rig.greeting(query("a+token"))).toEqual(plain);
  expect(rig.greeting(query("a+toke"))).toMatchObject({ status: 403 });
  expect(rig.greeting("hub.mode=subscribe&hub.challenge=115")).toMatchObject({ status: 403 });
  expect(rig.greeting("hub.challenge=115&hub.verify_token=a+token")).toBeUndefined();
  for (const verify_token of [undefined, "", " "])
    expect(new Rig("meta", { verify_token }).greeting(query("+"))).toMatchObject({ status: 403 });
});

describe("whatever Meta sends", () => {
  const everything = notification(
    whatsapp({
      messages: [text("wamid.1"), text("wamid.2", { type: "reaction", reaction: { message_id: "x" } })],
    }),
    whatsapp({ statuses: [status("wamid.0", "read")], message_echoes: [text("wamid.3")] }),
    {
      id: "3",
      messaging: [{ sender: { id: "1" }, recipient: { id: "2" }, message: { mid: "m_1", text: "Hi" } }],
    },
  );

  test("every byte that Meta sends is signed", () => {
    expectEveryByteSigned(rig, rig.signed(JSON.stringify(everything)));
  });

  test("fields that nobody knows change no message", () => {
    expectUnknownFieldsIgnored(rig, everything);
  });

  test("something is kept of anything, and fits its columns", () => {
    expectAnythingKept(rig, everything);
  });

  test("a trial is accepted and comes back", () => {
    expectTrialsComeBack(rig, () => ({}));
  });

  test("the order of a body and its pieces make no difference, and what comes twice is the same", () => {
    const items = Array.from({ length: 12 }, (_, index) =>
      index % 3 === 0 ? { statuses: [status(`s${index}`, "read")] } : { messages: [text(`wamid.${index}`)] },
    );
    const cut = fc.array(fc.shuffledSubarray(items, { minLength: 1 }), { minLength: 1, maxLength: 4 });
    const whole = identities(rig.keptOf(notification(...items.map((value) => whatsapp(value)))));
    fc.assert(
      fc.property(
        fc.shuffledSubarray(items, { minLength: items.length }),
        cut,
        fc.nat(3),
        (order, again, size) => {
          const groups = new Map<number, object[]>();
          for (const [index, value] of order.entries())
            groups.set(index % (size + 1), [...(groups.get(index % (size + 1)) ?? []), value]);
          const pieces = [...groups.values(), ...again].map((values) =>
            rig.keptOf(
              notification({ ...whatsapp({}), changes: values.flatMap((value) => whatsapp(value).changes) }),
            ),
          );
          expect(identities(...pieces)).toEqual(whole);
          const merged = {
            messages: order.flatMap((value) => ("messages" in value ? value.messages : [])),
            statuses: order.flatMap((value) => ("statuses" in value ? value.statuses : [])),
          };
          expect(identities(rig.keptOf(notification(whatsapp(merged))))).toEqual(whole);
        },
      ),
    );
  });
});

test("what a guest of Messenger writes, who has no account, is a message", () => {
  const item = { sender: { user_ref: "g-1" }, recipient: { id: "9" }, timestamp: 1749416383000 };
  const messaging = [{ ...item, message: { mid: "m1", text: "open today?" } }];
  expect(rig.keptOf({ object: "page", entry: [{ id: "9", messaging }] }).messages).toMatchObject([
    { from: "messenger:g-1", to: "messenger:9", text: "open today?" },
  ]);
});

test.each<[string, string, object, number | undefined]>([
  [
    "its item's own",
    "whatsapp_business_account",
    { calls: [{ id: "c", timestamp: "1749416383" }] },
    1749416390,
  ],
  ["its own", "page", { item: "comment", created_time: 1749416383 }, 1749416390],
  ["the envelope's in seconds", "instagram", { id: "c", text: "lovely" }, 1749416383],
  ["the envelope's in milliseconds", "instagram", { id: "c", text: "lovely" }, 1749416383123],
])("the time of another change is %s", (_, object, value, time) => {
  const entry = [{ id: "1", time, changes: [{ field: "other", value }] }];
  expect(rig.keptOf({ object, entry }).events).toMatchObject([{ kind: "other", ts: "2025-06-08T20:59:43Z" }]);
});

test.each<[unknown]>([[undefined], [1], ["soon"]])(
  "a change at no time (%j) has that of its receipt",
  (time) => {
    const entry = [
      { id: "1", time, changes: [{ field: "comments", value: { id: "c", timestamp: "soon" } }] },
    ];
    expect(rig.keptOf({ object: "instagram", entry }).events).toMatchObject([{ ts: RECEIVED }]);
  },
);
