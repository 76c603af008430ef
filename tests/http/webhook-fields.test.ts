/**
 * What a signed body may say, field by field; everything else gets 422, never 500, and leaves
 * nothing behind.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Message } from "../../src/core/message.ts";
import { INSTANTS, message } from "../messages.ts";
import { nanoseconds } from "../model.ts";
import { fc } from "../property.ts";
import { newService, type TestService } from "./service.ts";

let service: TestService;
beforeAll(async () => {
  service = await newService();
});
afterAll(() => service.stop());

let count = 0;
const newId = () => `m${++count}`;
const stored = async (messageId: unknown) =>
  (await service.rows()).find(({ message_id }) => message_id === messageId);

interface Mistake {
  readonly type: string;
  readonly loc: readonly string[];
  readonly msg: string;
  readonly input: unknown;
}

/** Posts, and returns the mistakes of a 422 after checking its shape. */
async function mistakesIn(body: string | Uint8Array | object): Promise<readonly Mistake[]> {
  const before = (await service.rows()).length;
  const answer = await service.post(body);
  expect(answer.status).toBe(422);
  expect(answer.headers.get("Postern-Result")).toBe("validation_error");
  const { detail, ...rest } = (await answer.json()) as { detail: Mistake[] };
  expect(rest).toEqual({});
  expect(detail.length).toBeGreaterThan(0);
  for (const mistake of detail) {
    expect(Object.keys(mistake).sort()).toEqual(["input", "loc", "msg", "type"]);
    expect(typeof mistake.type).toBe("string");
    expect(typeof mistake.msg).toBe("string");
    expect(mistake.loc[0]).toBe("body");
    expect((JSON.stringify(mistake.input) ?? "").length).toBeLessThan(2000);
  }
  expect(await service.rows()).toHaveLength(before);
  return detail;
}

const placesOf = async (body: string | object) => (await mistakesIn(body)).map(({ loc }) => loc.join("."));

describe("a field that is right is stored as sent", () => {
  const right: [string, Partial<Message>][] = [
    ["message_id of 1 character", { message_id: "x" }],
    ["message_id of 512 characters", { message_id: "i".repeat(512) }],
    ["message_id of 512 emoji", { message_id: "\u{1f600}".repeat(512) }],
    ["message_id with white space around it", { message_id: "  padded\t" }],
    ["message_id of a control character", { message_id: "\u0001" }],
    ["message_id of what is no white space any more", { message_id: "\u180e" }],
    ["message_id of a character without width", { message_id: "\u200b" }],
    ["message_id named __proto__", { message_id: "__proto__" }],
    ["message_id named constructor", { message_id: "constructor" }],
    ["message_id like SQL", { message_id: "'); drop table messages; --" }],
    ["from of one digit", { from: "+1" }],
    ["from with a leading zero", { from: "+0123" }],
    ["from of 32 characters", { from: `+${"9".repeat(31)}` }],
    ["to of 32 characters", { to: `+${"0".repeat(31)}` }],
    ["ts of the year 1", { ts: "0001-01-01T00:00:00Z" }],
    ["ts of the last second", { ts: "9999-12-31T23:59:59.999999999Z" }],
    ["ts on a leap day", { ts: "2024-02-29T00:00:00Z" }],
    ["ts on the leap day of 2000", { ts: "2000-02-29T00:00:00Z" }],
    ...Array.from({ length: 9 }, (_, index): [string, Partial<Message>] => [
      `ts with ${index + 1} digits of a second`,
      { ts: `2025-01-15T10:00:00.${"120456780".slice(0, index + 1)}Z` },
    ]),
    ["text that is empty", { text: "" }],
    ["text that is blank", { text: " \n\t " }],
    ["text of 4096 characters", { text: "t".repeat(4096) }],
    ["text of 4096 emoji", { text: "\u{1f600}".repeat(4096) }],
    ["text of 2048 combined characters", { text: "e\u0301".repeat(2048) }],
    ["text with every kind of quote", { text: `'"\`\\/ \u2028\u2029\u007f\u0001\ufeff\uffff` }],
    ["text of all planes", { text: "\ud7ff\ue000\uffff\u{10000}\u{10ffff}" }],
  ];
  test.each(right)("a field that is right is stored as sent: %s", async (_, fields) => {
    const given = message(newId(), fields);
    expect((await service.post(given)).status).toBe(200);
    expect(await stored(given.message_id)).toEqual(given);
    const page = (await (
      await service.get(`/messages?message_id=${encodeURIComponent(given.message_id)}`)
    ).json()) as { data: Message[] };
    expect(page.data).toEqual([given]);
  });

  test("text that is absent or null is null", async () => {
    const { text: _, ...without } = message("absent");
    for (const given of [without, message("null", { text: null })]) {
      expect((await service.post(given)).status).toBe(200);
      expect((await stored(given.message_id))?.text).toBeNull();
    }
    expect((await service.post(message("absent", { text: null }))).headers.get("Postern-Result")).toBe(
      "duplicate",
    );
  });

  test("unknown fields are ignored, however odd, and never kept", async () => {
    const odd = `"__proto__":{"from":"x"},"constructor":1,"toString":null,"":[],"n":1e999,"b":123456789012345678901234567890,"deep":[[[{}]]]`;
    const body = JSON.stringify(message("odd")).replace("{", `{${odd},`);
    expect((await service.post(body)).status).toBe(200);
    expect(await stored("odd")).toEqual(message("odd"));
  });

  test("of duplicate keys the last counts, right or wrong", async () => {
    const twice = (first: string, last: string) =>
      `{"message_id":"twice","from":${first},"to":"+2","ts":"2025-01-15T10:00:00Z","from":${last}}`;
    expect(await placesOf(twice('"+1"', '"bad"'))).toEqual(["body.from"]);
    expect((await service.post(twice('"bad"', '"+7"'))).status).toBe(200);
    expect((await stored("twice"))?.from).toBe("+7");
  });

  test("escapes in keys and values mean what they stand for", async () => {
    const body = `{"message\\u005fid":"esc\\u0061ped \\ud83d\\ude00","from":"\\u002b1","to":"+2","ts":"2025-01-15T10:00:00Z"}`;
    expect((await service.post(body)).status).toBe(200);
    expect((await stored("escaped \u{1f600}"))?.from).toBe("+1");
  });

  test("white space around the JSON is fine", async () => {
    expect((await service.post(`\r\n\t ${JSON.stringify(message("spaced"))} \n`)).status).toBe(200);
  });
});

describe("a field that is wrong is named", () => {
  const wrong: [field: string, values: readonly unknown[]][] = [
    [
      "message_id",
      [
        "",
        " ",
        "\t\n\u3000",
        "\u0085",
        // All that Unicode calls white space, and U+FEFF.
        "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff",
        "i".repeat(513),
        "\u{1f600}".repeat(513),
        "a\u0000b",
        "\u0000",
        1,
        null,
        true,
        [],
        {},
        ["x"],
      ],
    ],
    ...["from", "to"].map((field): [string, readonly unknown[]] => [
      field,
      [
        "",
        "+",
        "1",
        "919876543210",
        " +1",
        "+1 ",
        "+1\n",
        "++1",
        "+1-2",
        "+1a",
        "+\u0661",
        "\uff0b1",
        "+1\u0000",
        `+${"1".repeat(32)}`,
        919876543210,
        null,
        ["+1"],
        {},
        false,
      ],
    ]),
    [
      "ts",
      [
        "",
        "2025-01-15",
        "2025-01-15T10:00:00",
        "2025-01-15T10:00:00z",
        "2025-01-15t10:00:00Z",
        "2025-01-15 10:00:00Z",
        "2025-01-15T10:00:00+00:00",
        "2025-01-15T10:00:00.Z",
        "2025-01-15T10:00:00,5Z",
        "2025-01-15T10:00:00.1234567890Z",
        "2025-01-15T10:00Z",
        "2025-1-15T10:00:00Z",
        "25-01-15T10:00:00Z",
        "+12025-01-15T10:00:00Z",
        "-2025-01-15T10:00:00Z",
        "0000-01-01T00:00:00Z",
        "2025-00-15T10:00:00Z",
        "2025-13-15T10:00:00Z",
        "2025-01-00T10:00:00Z",
        "2025-01-32T10:00:00Z",
        "2025-04-31T10:00:00Z",
        "2025-02-29T10:00:00Z",
        "1900-02-29T10:00:00Z",
        "2100-02-29T10:00:00Z",
        "2024-02-30T10:00:00Z",
        "2025-01-15T24:00:00Z",
        "2025-01-15T10:60:00Z",
        "2025-01-15T10:00:60Z",
        "2016-12-31T23:59:60Z",
        " 2025-01-15T10:00:00Z",
        "2025-01-15T10:00:00Z\n",
        "\u0662025-01-15T10:00:00Z",
        "now",
        1736935200,
        null,
        {},
        ["2025-01-15T10:00:00Z"],
      ],
    ],
    [
      "text",
      [
        "t".repeat(4097),
        "\u{1f600}".repeat(4097),
        "e\u0301".repeat(2049),
        "a\u0000b",
        0,
        false,
        [],
        {},
        ["x"],
      ],
    ],
  ];
  for (const [field, values] of wrong) {
    test.each(values.map((value) => [value]))(`${field} %j gets 422 at body.${field}`, async (value) => {
      expect(await placesOf({ ...message(newId()), [field]: value })).toEqual([`body.${field}`]);
    });
  }

  test.each(["message_id", "text"])("a lone surrogate in %s gets 422", async (field) => {
    for (const lone of ["\\ud800", "x\\udc00", "\\ude00\\ud83d", "\\ud83d\\ud83d\\ude00"]) {
      const { [field as "text"]: _, ...rest } = message("surrogates");
      const body = JSON.stringify(rest).replace("{", `{"${field}":"${lone}",`);
      expect(await placesOf(body)).toEqual([`body.${field}`]);
    }
  });

  test("a field that is missing is named too", async () => {
    for (const field of ["message_id", "from", "to", "ts"]) {
      const { [field as "text"]: _, ...rest } = message(newId());
      const [mistake, ...more] = await mistakesIn(rest);
      expect(more).toEqual([]);
      expect(mistake).toMatchObject({ type: "missing", loc: ["body", field] });
    }
  });

  test("every bad field has one entry, whatever is wrong with it", async () => {
    const bad = {
      message_id: "",
      from: "x".repeat(40),
      to: "y".repeat(40),
      ts: "z",
      text: "\u0000".repeat(5000),
    };
    expect(await placesOf(bad)).toEqual(["body.message_id", "body.from", "body.to", "body.ts", "body.text"]);
    expect(await placesOf({})).toEqual(["body.message_id", "body.from", "body.to", "body.ts"]);
    expect((await placesOf({ text: 5 })).sort()).toEqual([
      "body.from",
      "body.message_id",
      "body.text",
      "body.to",
      "body.ts",
    ]);
  });

  test("a long input is cut in the answer, at a whole character", async () => {
    const [mistake] = await mistakesIn(message(newId(), { text: `x${"\u{1f600}".repeat(5000)}` }));
    expect(String(mistake?.input).isWellFormed()).toBe(true);
  });
});

describe("a body that is no message gets 422 at body", () => {
  test.each([
    "",
    " ",
    "null",
    "true",
    "0",
    "-1e400",
    '"text"',
    "[]",
    '[{"message_id":"m"}]',
    "{",
    "}",
    "{} {}",
    "{},",
    "{'message_id':'m'}",
    '{"message_id":"m",}',
    "{message_id:1}",
    "undefined",
    "NaN",
    "Infinity",
    "// comment\n{}",
    '{"message_id":"line\nbreak"}',
    '"\\x41"',
    "\u0000",
    "message_id=m&from=%2B1",
  ])("%j is no message and gets 422 at body", async (body) => {
    expect(await placesOf(body)).toEqual(["body"]);
  });

  test("bytes that are no UTF-8 get 422 at body, wherever they stand", async () => {
    const body = Buffer.from(JSON.stringify(message("broken")));
    const sequences = [
      [0xff],
      [0x80],
      [0xc0, 0xaf],
      [0xe2, 0x82],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
    ];
    for (const sequence of sequences) {
      for (const at of [0, body.indexOf("Hello"), body.length]) {
        const bytes = Buffer.concat([body.subarray(0, at), Buffer.from(sequence), body.subarray(at)]);
        expect((await mistakesIn(bytes)).map(({ loc }) => loc)).toEqual([["body"]]);
      }
    }
  });

  test("other encodings of Unicode get 422 at body", async () => {
    const body = JSON.stringify(message("wide"));
    expect((await mistakesIn(Buffer.from(`\ufeff${body}`, "utf16le"))).map(({ loc }) => loc)).toEqual([
      ["body"],
    ]);
    expect((await mistakesIn(Buffer.from(body, "utf16le"))).map(({ loc }) => loc)).toEqual([["body"]]);
  });

  test.each([
    ["arrays", "[", "]"],
    ["objects", '{"a":', "}"],
  ])("%s nested a hundred thousand deep get 422 at body", async (_, open, close) => {
    const deep = `${open.repeat(100_000)}1${close.repeat(100_000)}`;
    await mistakesIn(deep);
    await mistakesIn(open.repeat(100_000));
    for (const field of ["message_id", "text"]) {
      await mistakesIn(JSON.stringify({ ...message(newId()), [field]: null }).replace(/null/, deep));
    }
    const ignored = await service.post(JSON.stringify(message(newId())).replace("{", `{"ignored":${deep},`));
    expect([200, 422]).toContain(ignored.status);
  });

  test("a hundred thousand keys, or one key of a million characters, get 422 at body", async () => {
    const keys = Array.from({ length: 100_000 }, (_, index) => [`key${index}`, index]);
    await mistakesIn(Object.fromEntries(keys));
    await mistakesIn({ ["k".repeat(1_000_000)]: 1 });
  });
});

test("a byte order mark before the JSON is no reason for a 500", async () => {
  const answer = await service.post(`\ufeff${JSON.stringify(message("marked"))}`);
  expect([200, 422]).toContain(answer.status);
});

describe("whatever is signed", () => {
  test("any JSON that is signed gets 200 exactly when the rules hold, else 422", async () => {
    const near = fc.record(
      {
        message_id: fc.oneof(fc.string({ unit: "binary", maxLength: 5 }), fc.jsonValue({ maxDepth: 1 })),
        from: fc.oneof(fc.constantFrom("+1", "+", "1", "+1x"), fc.jsonValue({ maxDepth: 0 })),
        to: fc.oneof(fc.stringMatching(/^\+?[0-9]{0,33}$/), fc.constant("+2")),
        ts: fc.oneof(
          fc.constantFrom(...INSTANTS),
          fc.stringMatching(/^20\d\d-[01]\d-[0-3]\dT[012]\d:[0-6]\d:[0-6]\d(\.\d{1,10})?Z$/),
        ),
        text: fc.oneof(
          fc.constant(null),
          fc.string({ unit: "binary", maxLength: 9 }),
          fc.jsonValue({ maxDepth: 1 }),
        ),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof({ weight: 4, arbitrary: near }, { weight: 1, arbitrary: fc.jsonValue() }),
        async (value) => {
          const answer = await service.post(JSON.stringify(value));
          expect(answer.status).toBe(holds(value) ? 200 : 422);
        },
      ),
      { numRuns: 400 },
    );
  });

  test("any bytes that are signed get 422", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect((await service.post(bytes)).status).toBe(422);
      }),
    );
  });
});

test("none of all this got a 500", () => {
  expect(service.logLines().filter((line) => Number(line["status"]) >= 500)).toEqual([]);
});

/** The rules of a message, read anew. */
function holds(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { message_id, from, to, ts, text = null } = value as Record<string, unknown>;
  const storable = (given: unknown, max: number) =>
    typeof given === "string" && given.isWellFormed() && !given.includes("\0") && [...given].length <= max;
  const number = (given: unknown) => typeof given === "string" && /^\+[0-9]{1,31}$/.test(given);
  return (
    storable(message_id, 512) &&
    /[^\s\u0085]/.test(message_id as string) &&
    number(from) &&
    number(to) &&
    typeof ts === "string" &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(ts) &&
    real(ts) &&
    (text === null || storable(text, 4096))
  );
}

/** `Date` rolls over what is not real: then the text comes back changed. */
function real(ts: string): boolean {
  const date = new Date(`${ts.slice(0, 19)}Z`);
  return (
    !Number.isNaN(date.getTime()) &&
    date.toISOString().slice(0, 19) === ts.slice(0, 19) &&
    nanoseconds(ts) > nanoseconds("0000-12-31T23:59:59Z")
  );
}
