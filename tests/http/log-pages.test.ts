/** `GET /log`: the log by pages, from a position on, and waiting for what comes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Compile } from "typebox/compile";
import { LogPageAnswer } from "../../src/follow/answer-page.ts";
import { message } from "../messages.ts";
import { META, metaPost, signed, status, text } from "./meta-posts.ts";
import { newService, type TestService } from "./service.ts";

interface Page {
  readonly data: readonly Readonly<Record<string, string | null>>[];
  readonly next: string;
  readonly more: boolean;
}

const BINARY = new Uint8Array([0x00, 0xff, 0x0a]);

let service: TestService;
/** Before anything was stored. */
let empty: Page;
beforeAll(async () => {
  service = await newService({}, { sources: { wa: META } });
  empty = await page("");
  expect((await service.post(message("n1", { text: null }))).status).toBe(200);
  const post = metaPost([text("m/1", "first")], [status("m/1", "read", "1700000030")]);
  for (const request of [post, signed(BINARY)])
    expect((await service.send("/webhook/wa", request)).status).toBe(200);
  expect((await service.post(message("n2", { from: "+1", to: "+2" }))).status).toBe(200);
});
afterAll(() => service.stop());

async function page(query: string): Promise<Page> {
  const answer = await service.get(`/log${query}`);
  expect([query, answer.status]).toEqual([query, 200]);
  return (await answer.json()) as Page;
}
const keys = ({ data }: Page) => data.map((record) => record["event_key"] ?? record["message_id"]);
const first = async (query: string) => (await page(`?limit=1&${query}`)).data[0];

describe("a page", () => {
  test("has data, next and more, in the order of the log, messages alone by default", async () => {
    const found = await page("");
    expect(Object.keys(found)).toEqual(["data", "next", "more"]);
    expect(found.data.map(({ message_id }) => message_id)).toEqual(["n1", "wa:m/1", "n2"]);
    expect(found.more).toBe(false);
    expect(Compile(LogPageAnswer).Check(found)).toBe(true);
    expect(found.next).toBe(found.data.at(-1)?.["position"] ?? "");
  });

  test("has the fields of each kind of record, and no others", async () => {
    const { data } = await page("?kinds=all");
    const created_at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const position = (seq: number) => expect.stringMatching(new RegExp(`^[0-9a-f]{16}\\.${seq}$`));
    expect(data[0]).toEqual({
      ...{ position: position(1), kind: "message", source: "native" },
      ...message("n1", { text: null }),
      ...{ type: null, created_at },
    });
    expect(data[1]).toMatchObject({ position: position(2), kind: "message", source: "wa", type: "text" });
    expect(Object.keys(data[1] ?? {})).toEqual(
      "position kind source message_id from to ts text type created_at".split(" "),
    );
    expect(data[2]).toMatchObject({ position: position(3), kind: "status", message_id: "wa:m/1" });
    expect(Object.keys(data[2] ?? {})).toEqual(
      "position kind source event_key message_id ts type created_at".split(" "),
    );
    expect(data.map(({ kind }) => kind)).toEqual(["message", "message", "status", "other", "message"]);
  });

  test("goes on from next, to the end and not beyond", async () => {
    const all = await page("?kinds=all");
    const walked: unknown[] = [];
    let at = await page("?kinds=all&limit=2");
    for (;;) {
      walked.push(...at.data);
      if (!at.more) break;
      at = await page(`?kinds=all&limit=2&after=${at.next}`);
    }
    expect(walked).toEqual([...all.data]);
    expect(at.next).toBe(all.next);
    expect(await page(`?kinds=all&after=${at.next}`)).toEqual({ data: [], next: at.next, more: false });
  });

  test("lets through what its filters say, and its position has passed the rest", async () => {
    const end = (await page("?kinds=all")).next;
    const cases: [string, string[]][] = [
      ["kinds=status", ["status"]],
      ["kinds=status,message", ["message", "message", "status", "message"]],
      ["kinds=all&source=wa", ["message", "status", "other"]],
      ["source=native", ["message", "message"]],
      ["from=%2B1", ["message"]],
      ["from=+1", ["message"]],
      ["kinds=all&to=2", ["message"]],
      ["kinds=status&from=%2B1", []],
      ["source=unknown", []],
      ["kinds=&source=", ["message", "message", "message"]],
    ];
    for (const [query, kinds] of cases) {
      const found = await page(`?${query}`);
      expect([query, found.data.map(({ kind }) => kind)]).toEqual([query, kinds]);
      expect([query, found.next, found.more]).toEqual([query, end, false]);
    }
  });

  test("has the provider's own form of each record when that is asked for", async () => {
    const { data } = await page("?kinds=all&body=true");
    expect(data[0]?.["body"]).toBeNull();
    expect(JSON.parse(data[1]?.["body"] ?? "")).toMatchObject({ id: "m/1" });
    expect(JSON.parse(data[2]?.["body"] ?? "")).toMatchObject({ status: "read" });
    expect(Buffer.from(data[3]?.["body_base64"] ?? "", "base64")).toEqual(Buffer.from(BINARY));
    expect((await page("?kinds=all&body=false")).data.some((record) => "body" in record)).toBe(false);
  });

  test("begins at the start, at the end, behind a position, or with what was received at an instant", async () => {
    const all = await page("?kinds=all");
    expect(await page("?kinds=all&after=start")).toEqual(all);
    expect(await page("?kinds=all&after=now")).toEqual({ data: [], next: all.next, more: false });
    expect(await page(`?kinds=all&after=${empty.next}`)).toEqual(all);
    expect(keys(await page(`?after=${all.data[1]?.["position"]}`))).toEqual(["n2"]);
    const received = all.data[0]?.["created_at"] ?? "";
    expect((await first(`kinds=all&after=${received}`))?.["message_id"]).toBe("n1");
    expect(await first("after=2030-01-01T00:00:00Z")).toBeUndefined();
  });

  test("holds everything that was acknowledged before it was asked for", async () => {
    let { next } = await page("?after=now");
    for (let round = 0; round < 20; round++) {
      const id = `ack-${round}`;
      expect((await service.post(message(id))).status).toBe(200);
      const found = await page(`?after=${next}`);
      expect(keys(found)).toEqual([id]);
      next = found.next;
    }
  });
});

describe("a position that doesn't hold", () => {
  test("is 410 with where the log starts", async () => {
    const { next } = await page("");
    const [mark = "", seq = ""] = next.split(".");
    for (const lost of [
      `${mark}.${Number(seq) + 1}`,
      `${mark}.1`,
      `0000000000000000.${seq}`,
      "x.0",
      `${mark}.9999999999999999999`,
    ]) {
      const answer = await service.get(`/log?after=${lost}`);
      expect([lost, answer.status]).toEqual([lost, 410]);
      const { detail, start } = (await answer.json()) as { detail: string; start: string };
      expect(detail).toContain("doesn't hold");
      expect(start).toBe(empty.next);
    }
  });
});

describe("a mistake", () => {
  test("is 422 and named, whatever parameter it is in", async () => {
    const cases: [string, string][] = [
      ["limit=0", "limit"],
      ["limit=1001", "limit"],
      ["limit=", "limit"],
      ["limit=a", "limit"],
      ["wait=61", "wait"],
      ["wait=-1", "wait"],
      ["wait=1.5", "wait"],
      ["after=", "after"],
      ["after=yesterday", "after"],
      ["after=a.b", "after"],
      ["after=a.12345678901234567890", "after"],
      ["after=2025-02-30T00:00:00Z", "after"],
      ["kinds=message,unknown", "kinds"],
      ["kinds=erased", "kinds"],
      ["kinds=all,message", "kinds"],
      ["kinds=,", "kinds"],
      ["body=yes", "body"],
      ["source=%00", "source"],
    ];
    for (const [query, parameter] of cases) {
      const answer = await service.get(`/log?${query}`);
      expect([query, answer.status]).toEqual([query, 422]);
      const { detail } = (await answer.json()) as { detail: { loc: string[] }[] };
      expect([query, detail.map(({ loc }) => loc)]).toEqual([query, [["query", parameter]]]);
    }
  });

  test("limits and waits at their bounds are none", async () => {
    for (const query of ["limit=1000", "limit=1", "wait=0", "wait=60"])
      expect((await page(`?${query}`)).data.length).toBeGreaterThan(0);
  });
});

describe("waiting", () => {
  test("ends with the first record that matches, and not with others", async () => {
    const { next } = await page("?kinds=all&after=now");
    const waiting = page(`?after=${next}&wait=30&from=%2B77`);
    await service.post(message("other"));
    await service.post(message("mine", { from: "+77" }));
    expect(keys(await waiting)).toEqual(["mine"]);
  });

  test("ends when its time is over, with a position that has moved", async () => {
    const { next } = await page("?kinds=all&after=now");
    const waiting = page(`?after=${next}&wait=3&source=unknown`);
    await service.post(message("passed"));
    const found = await waiting;
    expect([found.data, found.more]).toEqual([[], false]);
    expect(found.next).toBe((await page("?after=now")).next);
  });

  test("isn't done where there is something, or the position doesn't hold", async () => {
    const began = performance.now();
    expect((await page("?wait=60")).data.length).toBeGreaterThan(0);
    expect((await service.get("/log?wait=60&after=x.1")).status).toBe(410);
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

test("the log takes the API token where one is set", async () => {
  const guarded = await newService({ API_TOKEN: "a-token-for-the-log" });
  expect((await guarded.send("/log", { method: "GET" })).status).toBe(401);
  expect((await guarded.get("/log")).status).toBe(200);
  await guarded.stop();
});

test("who waits is answered when the service stops", async () => {
  const stopping = await newService();
  const waiting = stopping.get("/log?wait=60");
  // Somebody else's answer shows that the first one waits.
  await stopping.get("/log?wait=1");
  const began = performance.now();
  const [answer] = await Promise.all([waiting, stopping.stop()]);
  expect([answer.status, await answer.json()]).toMatchObject([200, { data: [], more: false }]);
  expect(performance.now() - began).toBeLessThan(5000);
});
