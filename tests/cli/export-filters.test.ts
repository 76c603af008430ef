/** `postern export` of a part of the log, and as a table, of both engines' databases. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { parseDatabaseUrl } from "../../src/core/database-url.ts";
import type { Message } from "../../src/core/message.ts";
import type { EventKind } from "../../src/core/parsed-body.ts";
import type { Intake } from "../../src/core/store.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { type Folder, newFolder } from "../folder.ts";
import { message } from "../messages.ts";
import { newPostgresDatabase, type PostgresDatabase } from "../postgres/server.ts";
import { exportOf, importInto } from "./exported.ts";
import { postern } from "./postern.ts";

const SPAN = { start: 0, end: 1 };
const COLUMNS = "seq,kind,source,message_id,from,to,ts,text,type,event_key,created_at";

const post = (
  source: string,
  messages: readonly Message[],
  events: readonly (readonly [EventKind, key: string, ts: string])[],
): Intake => ({
  messages,
  post: {
    source,
    body: Buffer.from(`${source} ${messages.length} ${events.map(([, key]) => key)}`),
    details: messages.map(() => ({ type: "image", span: SPAN })),
    events: events.map(([kind, key, ts]) => ({ kind, type: null, key, messageId: null, ts, span: SPAN })),
  },
});

const INTAKES: readonly Intake[] = [
  { messages: [message("n1", { text: null })] },
  { messages: [message("n2", { text: "", from: "+2", ts: "2025-01-15T10:00:00.5Z" })] },
  post(
    "wa",
    [message("wa:1", { text: '=HYPERLINK("x")\r\nsaid "é😀", she' }), message("wa:2", { from: "+2" })],
    [["status", "k1", "2025-01-15T10:00:01Z"]],
  ),
  post("wa", [], [["reaction", "k2", "2025-01-15T10:00:00Z"]]),
  post("sms", [message("sms:1", { to: "+3", ts: "2025-01-16T10:00:00Z", text: "+1\rb\tc\n" })], []),
  { messages: [message("n3", { to: "+3", ts: "2025-01-16T10:00:00.000Z", text: " , ;'" })] },
];

let folder: Folder;
let postgres: PostgresDatabase;
let sqliteUrl = "";
beforeAll(async () => {
  folder = newFolder();
  sqliteUrl = `sqlite:///${join(folder.path, "m.db")}`;
  postgres = await newPostgresDatabase();
  for (const text of [sqliteUrl, postgres.url]) {
    const url = parseDatabaseUrl(text);
    if (url === undefined) throw new Error(`${text} is no URL of a database`);
    const store = await openForTest(url);
    for (const intake of INTAKES) await store.append(intake);
    await store.close();
  }
}, 120_000);
afterAll(async () => {
  folder.remove();
  await postgres.drop();
});

/** Identifiers of messages, keys of events, and `body of` what stands right behind it. */
function namesIn(ndjson: string): string[] {
  const records = ndjson
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  return records.map(({ body_base64, delivery, event_key, message_id }, index) => {
    if (body_base64 === undefined) return event_key ?? message_id;
    expect(records[index + 1]?.delivery).toBe(delivery);
    return `body of ${Buffer.from(body_base64, "base64")}`;
  });
}

describe.each([
  ["SQLite", () => sqliteUrl],
  ["PostgreSQL", () => postgres.url],
])("an export of a part (%s)", (_, url) => {
  test.each([
    ["--source native", ["n1", "n2", "n3"]],
    ["--source wa", ["body of wa 2 k1", "wa:1", "wa:2", "k1", "body of wa 0 k2", "k2"]],
    ["--source nobody", []],
    ["--kinds message", ["n1", "n2", "body of wa 2 k1", "wa:1", "wa:2", "body of sms 1 ", "sms:1", "n3"]],
    ["--kinds status", ["body of wa 2 k1", "k1"]],
    ["--kinds status,reaction", ["body of wa 2 k1", "k1", "body of wa 0 k2", "k2"]],
    ["--kinds all --source sms", ["body of sms 1 ", "sms:1"]],
    ["--from +2", ["n2", "body of wa 2 k1", "wa:2"]],
    ["--to +3 --source native", ["n3"]],
    ["--since 2025-01-15T10:00:00.50Z --kinds message", ["n2", "body of sms 1 ", "sms:1", "n3"]],
    ["--since 2025-01-15T10:00:01Z --until 2025-01-16T10:00:00Z", ["body of wa 2 k1", "k1"]],
    ["--until 2025-01-15T10:00:00.5Z --source native", ["n1"]],
    ["--since-seq 4 --source wa --kinds message", ["body of wa 2 k1", "wa:2"]],
  ])(
    "an export with %s has what fits, with the POSTs that it comes from, and nothing else",
    async (flags, names) => {
      const ndjson = await exportOf(url(), ...flags.split(" "));
      expect(namesIn(ndjson)).toEqual(names);
      const all = new Set((await exportOf(url())).split("\n"));
      expect(ndjson.split("\n").filter((line) => !all.has(line))).toEqual([]);
    },
  );

  test("an export with --kinds all is an export without filters, and can be imported in parts", async () => {
    const all = await exportOf(url());
    expect(await exportOf(url(), "--kinds", "all")).toBe(all);
    const part = await exportOf(url(), "--source", "wa", "--kinds", "message,reaction");
    const copy = `sqlite:///${join(newFolder(folder.path).path, "m.db")}`;
    await importInto(copy, part);
    expect(await exportOf(copy)).toBe(part);
  });

  test("a table holds what the records say, whatever is in their texts, and no POST's bytes", async () => {
    const csv = await exportOf(url(), "--format", "csv");
    expect(csv).toStartWith(`${COLUMNS}\n`);
    const nulls = (value: string, { quoting }: { quoting: boolean }) =>
      value === "" && !quoting ? null : value;
    const rows = parse(csv, { columns: true, cast: nulls }) as Record<string, string | null>[];
    const records = (await exportOf(url()))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
      .filter(({ body_base64 }) => body_base64 === undefined);
    const expected = records.map((record) => ({
      ...Object.fromEntries(COLUMNS.split(",").map((name) => [name, record[name] ?? null])),
      seq: String(record.seq),
      kind: record.kind ?? "message",
      source: record.source ?? "native",
    }));
    expect(rows).toEqual(expected);
    expect(rows).toHaveLength(8);
  });

  test("a table has its header also when nothing fits, and goes to a file like everything else", async () => {
    const output = join(newFolder(folder.path).path, "x.csv");
    const args = ["export", "--format", "csv", "--from", "+2", "--output", output];
    const ran = await postern(args, { env: { DATABASE_URL: url() } });
    expect(ran).toEqual({ code: 0, stdout: `exported 2 messages to ${output}\n`, stderr: "" });
    expect(parse(await Bun.file(output).text(), { columns: true })).toHaveLength(2);
    expect(await exportOf(url(), "--format", "csv", "--from", "+99")).toBe(`${COLUMNS}\n`);
  });
});
