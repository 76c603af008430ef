/** `/consumers…`: positions that the service keeps. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Compile } from "typebox/compile";
import { RECORD_KINDS } from "../../src/core/changes.ts";
import { ConsumerAnswer } from "../../src/follow/consumers/consumer.ts";
import { newDatabase } from "../databases/database.ts";
import { message } from "../messages.ts";
import { META, metaPost, status, text } from "./meta-posts.ts";
import { newService, type TestService } from "./service.ts";

let service: TestService;
beforeAll(async () => {
  service = await newService({}, { sources: { wa: META } });
  for (const id of ["n1", "n2", "n3"]) await service.post(message(id));
  await service.send("/webhook/wa", metaPost([text("m1")], [status("m1")]));
});
afterAll(() => service.stop());

async function ask(method: string, path: string, body?: unknown, at = service) {
  const answer = await at.send(path, {
    method,
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: (text === "" ? undefined : JSON.parse(text)) as never };
}
const put = (name: string, body?: unknown) => ask("PUT", `/consumers/${name}`, body);
type Page = { data: { message_id: string; position: string }[]; next: string; more: boolean };
const next = async (name: string, query = ""): Promise<Page> =>
  (await ask("GET", `/consumers/${name}/next${query}`)).body;
const ids = ({ data }: Page) => data.map(({ message_id }) => message_id);
const log = async (query = ""): Promise<Page> => (await ask("GET", `/log${query}`)).body;

describe("a consumer", () => {
  test("is made with what it wants, and is there with the same, but not with something else", async () => {
    const made = await put("first", { start: "start", kinds: ["status", "message"], source: "wa" });
    expect(made.status).toBe(201);
    expect(Compile(ConsumerAnswer).Check(made.body)).toBe(true);
    expect(made.body).toEqual({
      ...{ name: "first", kinds: ["message", "status"], source: "wa", from: null, to: null },
      position: expect.stringMatching(/\.0$/),
      ...{ lag_records: 2, lag_is_bound: false, lag_seconds: expect.any(Number), acknowledged_at: null },
    } as never);
    const again = await put("first", { start: "now", source: "wa", kinds: ["message", "status"] });
    expect([again.status, again.body]).toMatchObject([
      200,
      { position: (made.body as Page & { position: string }).position },
    ]);
    for (const other of [{}, { kinds: ["message", "status"] }, { source: "wa" }])
      expect((await put("first", other)).status).toBe(409);
    const shown = await ask("GET", "/consumers/first");
    expect([shown.status, shown.body]).toMatchObject([200, { name: "first", lag_records: 2 }]);
  });

  test("wants all kinds where it says so", async () => {
    const made = await put("everything", { kinds: ["all"] });
    expect(made.status).toBe(201);
    expect((made.body as { kinds: string[] }).kinds).toEqual([...RECORD_KINDS]);
    expect((await put("everything", { kinds: [...RECORD_KINDS].reverse() })).status).toBe(200);
  });

  test("begins at the start, now, at a position or an instant", async () => {
    const [, second] = (await log()).data;
    const starts: [string, unknown, (string | undefined)[]][] = [
      ["at-start", { start: "start" }, ["n1", "n2", "n3", "wa:m1"]],
      ["by-default", undefined, ["n1", "n2", "n3", "wa:m1"]],
      ["at-now", { start: "now" }, []],
      ["at-position", { start: second?.position }, ["n3", "wa:m1"]],
      ["at-instant", { start: "2020-01-01T00:00:00Z" }, ["n1", "n2", "n3", "wa:m1"]],
      ["at-later", { start: "2030-01-01T00:00:00Z" }, []],
    ];
    for (const [name, body, expected] of starts) {
      expect([name, (await put(name, body)).status]).toEqual([name, 201]);
      expect([name, ids(await next(name))]).toEqual([name, expected as string[]]);
    }
  });

  test("is given the same until it acknowledges, and moves by that alone", async () => {
    await put("acks");
    const page = await next("acks", "?limit=2");
    expect([ids(page), page.more]).toEqual([["n1", "n2"], true]);
    expect(await next("acks", "?limit=2")).toEqual(page);
    const acked = await ask("POST", "/consumers/acks/ack", { position: page.next });
    expect([acked.status, acked.body]).toEqual([200, { position: page.next } as never]);
    expect(ids(await next("acks"))).toEqual(["n3", "wa:m1"]);
    const older = await ask("POST", "/consumers/acks/ack", { position: page.data[0]?.position });
    expect([older.status, older.body]).toEqual([200, { position: page.next } as never]);
    expect((await ask("GET", "/consumers/acks")).body).toMatchObject({
      position: page.next,
      lag_records: 2,
      acknowledged_at: expect.stringMatching(/Z$/),
    } as never);
  });

  test("goes back by seek alone", async () => {
    await put("seeks", { start: "now" });
    const start = (await log("?limit=1")).data[0]?.position;
    const back = await ask("POST", "/consumers/seeks/seek", { to: start });
    expect([back.status, back.body]).toEqual([200, { position: start } as never]);
    expect(ids(await next("seeks"))).toEqual(["n2", "n3", "wa:m1"]);
    for (const [to, expected] of [
      ["start", 4],
      ["now", 0],
      ["2020-01-01T00:00:00Z", 4],
    ] as const) {
      expect((await ask("POST", "/consumers/seeks/seek", { to })).status).toBe(200);
      expect((await next("seeks")).data.length).toBe(expected);
    }
  });

  test("waits for what it wants", async () => {
    await put("waits", { start: "now", from: "+99" });
    const waiting = next("waits", "?wait=30");
    await service.post(message("no"));
    await service.post(message("yes", { from: "+99" }));
    expect(ids(await waiting)).toEqual(["yes"]);
  });

  test("can't acknowledge, or be put at, what doesn't hold or lies beyond the end", async () => {
    await put("lost");
    const end = (await log("?kinds=all")).next;
    const [mark, seq] = end.split(".");
    for (const position of ["x.1", `${mark}.${Number(seq) + 1}`, `${mark}.1`])
      for (const [path, body] of [
        ["ack", { position }],
        ["seek", { to: position }],
      ] as const) {
        const answer = await ask("POST", `/consumers/lost/${path}`, body);
        expect([position, path, answer.status]).toEqual([position, path, 409]);
      }
    expect((await put("lost-too", { start: "x.1" })).status).toBe(409);
    expect((await ask("GET", "/consumers/lost-too")).status).toBe(404);
  });

  test("is gone once it is deleted", async () => {
    await put("gone");
    const deleted = await ask("DELETE", "/consumers/gone");
    expect([deleted.status, deleted.body]).toEqual([204, undefined as never]);
    for (const [method, path, body] of [
      ["GET", "", undefined],
      ["GET", "/next", undefined],
      ["POST", "/ack", { position: "x.1" }],
      ["POST", "/seek", { to: "now" }],
      ["DELETE", "", undefined],
    ] as const)
      expect([path, (await ask(method, `/consumers/gone${path}`, body)).status]).toEqual([path, 404]);
  });

  test("is in the list, by name", async () => {
    for (const name of ["zz", "aa"]) await put(name);
    const { data } = (await ask("GET", "/consumers")).body as { data: { name: string }[] };
    const names = data.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(names).toContain("aa");
  });

  test("is there, with its position, when the service starts again", async () => {
    const database = await newDatabase();
    const before = await newService({}, { database });
    await before.post(message("a"));
    await before.post(message("b"));
    await ask("PUT", "/consumers/kept", {}, before);
    const page = (await ask("GET", "/consumers/kept/next?limit=1", undefined, before)).body as Page;
    await ask("POST", "/consumers/kept/ack", { position: page.next }, before);
    await before.stop();
    const after = await newService({}, { database });
    expect(ids((await ask("GET", "/consumers/kept/next", undefined, after)).body)).toEqual(["b"]);
    await after.stop();
    await database.drop();
  });
});

describe("a mistake", () => {
  test("is 422, wherever it is", async () => {
    await put("mistakes");
    const cases: [string, string, unknown][] = [
      ["PUT", "/consumers/Upper", {}],
      ["PUT", "/consumers/1a", {}],
      ["PUT", `/consumers/${"a".repeat(33)}`, {}],
      ["PUT", "/consumers/a", "{"],
      ["PUT", "/consumers/a", "[]"],
      ["PUT", "/consumers/a", { start: "tomorrow" }],
      ["PUT", "/consumers/a", { start: 1 }],
      ["PUT", "/consumers/a", { kinds: [] }],
      ["PUT", "/consumers/a", { kinds: ["all", "message"] }],
      ["PUT", "/consumers/a", { kinds: ["unknown"] }],
      ["PUT", "/consumers/a", { kinds: "message" }],
      ["PUT", "/consumers/a", { source: 1 }],
      ["PUT", "/consumers/a", { kind: ["message"] }],
      ["POST", "/consumers/mistakes/ack", {}],
      ["POST", "/consumers/mistakes/ack", { position: "start" }],
      ["POST", "/consumers/mistakes/ack", new TextDecoder("latin1").decode(new Uint8Array([0xff]))],
      ["POST", "/consumers/mistakes/seek", {}],
      ["POST", "/consumers/mistakes/seek", { to: "" }],
      ["GET", "/consumers/mistakes/next?limit=0", undefined],
      ["GET", "/consumers/mistakes/next?wait=61", undefined],
    ];
    for (const [method, path, body] of cases) {
      const answer = await ask(method, path, body);
      expect([method, path, body, answer.status]).toEqual([method, path, body, 422]);
      expect(answer.body).toHaveProperty("detail.0.loc");
    }
  });

  test("in the method is 405 with what there is", async () => {
    const answer = await service.send("/consumers/mistakes/ack", { method: "GET" });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
    const one = await service.send("/consumers/mistakes", { method: "POST" });
    expect([one.status, one.headers.get("allow")]).toEqual([405, "PUT, GET, HEAD, DELETE"]);
  });
});

test("how far each is behind is a metric, also when it has just been made", async () => {
  const measured = await newService();
  await measured.post(message("a"));
  await ask("PUT", "/consumers/behind", {}, measured);
  await ask("PUT", "/consumers/there", { start: "now" }, measured);
  expect(await measured.metric('postern_consumer_lag_records{consumer="behind"}')).toBe(1);
  expect(await measured.metric('postern_consumer_lag_records{consumer="there"}')).toBe(0);
  expect(await measured.metric('postern_consumer_lag_seconds{consumer="there"}')).toBe(0);
  await ask("DELETE", "/consumers/there", undefined, measured);
  expect(await measured.metric('postern_consumer_lag_records{consumer="there"}')).toBeUndefined();
  await measured.stop();
});
