/**
 * Replays of a destination as clients ask for them: what is counted, what is refused, and what is
 * kept of each. The destination is paused, so that none of them comes to its end.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { RECORD_KINDS } from "../../src/core/changes.ts";
import { REPLAYS_MAX } from "../../src/core/deliveries.ts";
import type { DestinationConfig } from "../../src/core/destination-config.ts";
import { type Database, newDatabase } from "../databases/database.ts";
import { META, metaPost, status, text } from "../http/meta-posts.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { fc } from "../property.ts";
import { until } from "../until.ts";
import { destinationTo, SECRET } from "./destination.ts";
import { answers, newReceiver, type Receiver } from "./receiver.ts";

const META_SENDER = "+14155550123";

interface LogRecord {
  readonly position: string;
  readonly kind: string;
  readonly source: string;
  readonly from?: string;
  readonly to?: string;
  readonly created_at: string;
}

let receiver: Receiver;
let database: Database;
let service: TestService;
beforeEach(async () => {
  receiver = await newReceiver({ secrets: [SECRET] });
  database = await newDatabase();
});
afterEach(async () => {
  await service.stop();
  await receiver.close();
  await database.drop();
});

const config = (more: Partial<DestinationConfig> = {}) =>
  destinationTo(receiver.url, { retryMs: [50], start: "now", ...more });
const start = async (...destinations: DestinationConfig[]) => {
  service = await newService({}, { database, sources: { wa: META }, destinations });
};
/** The service with one destination, to which nothing is sent. */
const serve = async (more: Partial<DestinationConfig> = {}) => {
  await start(config(more));
  expect((await send("POST", "/destinations/app/pause"))[0]).toBe(200);
};
const send = async (method: string, path: string, body?: object): Promise<[number, unknown]> => {
  const answer = await service.send(path, { method, ...(body && { body: JSON.stringify(body) }) });
  return [answer.status, answer.status === 204 ? undefined : await answer.json()];
};
const replay = (body: object) => send("POST", "/destinations/app/replay", body);
const count = async (body: object) => {
  const [code, answer] = await replay({ ...body, dry_run: true });
  expect([code, answer]).toEqual([200, { records: expect.any(Number) }]);
  return (answer as { records: number }).records;
};
const get = async (path: string) => (await service.get(path)).json();
const listed = async () => ((await get("/destinations/app/replays")) as { data: object[] }).data;
const log = async () => (await get("/log?kinds=all&limit=1000")) as { data: LogRecord[]; next: string };
const post = async (id: string, from = "+1", to = "+2") =>
  expect((await service.post(message(id, { from, to }))).status).toBe(200);
/** Messages of two sources and events, from several senders. */
const fill = async () => {
  for (let index = 0; index < 6; index++) {
    await post(`a${index}`, `+${index % 3}`, `+${index % 2}`);
    const statuses = index % 2 === 0 ? [status(`m${index}`), status(`m${index}`, "read")] : [];
    await service.send("/webhook/wa", metaPost([text(`m${index}`)], statuses));
  }
};

describe("a dry run", () => {
  test("counts exactly what a look at each record counts, by any bounds and filters", async () => {
    await serve();
    await fill();
    const { data, next } = await log();
    expect(data.length).toBe(18);
    const anyPlace = fc.nat({ max: data.length });
    const anyFilter = fc.record(
      {
        kinds: fc.constantFrom<string[]>(["message"], ["status"], ["message", "status"], ["all"], ["edit"]),
        source: fc.constantFrom("native", "wa", "none"),
        from: fc.constantFrom("+0", "+1", META_SENDER, "+9"),
        to: fc.constantFrom("+0", "+1"),
      },
      { requiredKeys: [] },
    );
    const position = (place: number) => (place === 0 ? "start" : data[place - 1]?.position);
    await fc.assert(
      fc.asyncProperty(anyFilter, anyPlace, anyPlace, async (filter, one, other) => {
        const [first, last] = [Math.min(one, other), Math.max(one, other)];
        const { kinds = ["message"], source, from, to } = filter;
        const expected = data
          .slice(first, last)
          .filter(
            (record) =>
              (kinds.includes("all") || kinds.includes(record.kind)) &&
              (source ?? record.source) === record.source &&
              (from === undefined || record.from === from) &&
              (to === undefined || record.to === to),
          );
        const bounds = { after: position(first), until: last === 0 ? next : position(last) };
        if (last > 0) expect(await count({ ...filter, ...bounds })).toBe(expected.length);
      }),
      { numRuns: 60 },
    );
    expect(receiver.received.length).toBe(0);
  });

  test("ends at the end of the log, and before the records of an instant", async () => {
    await serve({ kinds: RECORD_KINDS });
    await fill();
    const { data, next } = await log();
    const [first, last] = [data[0]?.created_at ?? "", data.at(-1)?.created_at ?? ""];
    const before = (instant: string) => data.filter(({ created_at }) => created_at < instant).length;
    expect(await count({ after: "start" })).toBe(data.length);
    expect(await count({ after: "start", until: "now" })).toBe(data.length);
    expect(await count({ after: "start", until: next })).toBe(data.length);
    expect(await count({ after: "2020-01-01T00:00:00Z", until: last })).toBe(before(last));
    expect(await count({ after: last })).toBe(data.length - before(last));
    expect(await count({ after: first, until: first })).toBe(0);
    expect(await count({ after: "now" })).toBe(0);
    expect(await count({ after: next, until: "2999-01-01T00:00:00Z" })).toBe(0);
  });

  test("takes the destination's own filter where nothing else is said", async () => {
    await serve({ kinds: ["message", "status"], sources: ["wa", "none"], from: META_SENDER });
    await fill();
    expect(await count({ after: "start" })).toBe(6);
    expect(await count({ after: "start", source: "native" })).toBe(0);
    expect(await count({ after: "start", source: "native", from: "+1" })).toBe(2);
    expect(await count({ after: "start", kinds: ["status"] })).toBe(0);
  });

  test("leaves nothing behind", async () => {
    await serve();
    await post("a");
    expect(await count({ after: "start" })).toBe(1);
    expect(await listed()).toEqual([]);
  });
});

describe("a replay", () => {
  test("says what it will send, and is listed with all that it does until somebody stops it", async () => {
    await serve({ sources: ["wa", "native"], to: "+2" });
    await post("a");
    await post("b", "+3");
    const { data, next } = await log();
    expect(await listed()).toEqual([]);
    const [code, begun] = await replay({ after: "start" });
    const { id } = begun as { id: string };
    expect([code, begun]).toEqual([202, { id: expect.stringMatching(/^r[pn]_[0-9a-f]{16}$/), records: 2 }]);
    await post("later");
    const asked = {
      ...{ after: data[0]?.position, until: data[1]?.position, kinds: ["all"], source: "native" },
      ...{ from: "+3", to: "+2", rate: "30/m", new_ids: true },
    };
    const [, other] = await replay(asked);
    const created_at = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const first = {
      ...{ id, position: expect.stringMatching(/\.0$/), until: next, kinds: ["message"] },
      ...{ source: ["wa", "native"], from: null, to: "+2", rate: "200/s", new_ids: false },
      ...{ records: 2, done: 0, created_at },
    };
    const second = {
      ...{ id: (other as { id: string }).id, position: data[0]?.position, until: data[1]?.position },
      ...{ kinds: [...RECORD_KINDS], source: ["native"], from: "+3", to: "+2", rate: "30/m" },
      ...{ new_ids: true, records: 1, done: 0, created_at },
    };
    expect(await listed()).toEqual([first, second]);

    expect(await send("DELETE", `/destinations/app/replays/${id}`)).toEqual([204, undefined]);
    expect(await listed()).toEqual([second]);
    expect(await send("DELETE", `/destinations/app/replays/${id}`)).toEqual([
      404,
      { detail: "there is no replay of this id" },
    ]);
    expect(receiver.received.length).toBe(0);
  });

  test("of nothing says so, and is over", async () => {
    await serve();
    expect(await replay({ after: "start" })).toEqual([202, { id: expect.any(String), records: 0 }]);
    await until("it is over", async () => (await listed()).length === 0);
  });

  test("outlasts a restart, and goes with its destination", async () => {
    await serve();
    await post("a");
    await replay({ after: "start" });
    const before = await listed();
    await service.stop();
    await start(config());
    expect(await listed()).toEqual(before);
    await service.stop();
    await start();
    expect(await listed()).toEqual(before);
    expect((await send("DELETE", "/destinations/app"))[0]).toBe(204);
    await service.stop();
    await serve();
    expect(await listed()).toEqual([]);
  });

  test("beyond those that a destination may have is refused, until one is stopped", async () => {
    await serve();
    await post("a");
    const all = await Promise.all(Array.from({ length: REPLAYS_MAX + 3 }, () => replay({ after: "start" })));
    expect(all.filter(([code]) => code === 202).length).toBe(REPLAYS_MAX);
    const refused = all.filter(([code]) => code !== 202);
    expect(refused.map(([code]) => code)).toEqual([409, 409, 409]);
    expect(refused[0]?.[1]).toEqual({ detail: expect.stringContaining(`${REPLAYS_MAX} replays`) });
    const replays = (await listed()) as { id: string }[];
    expect(new Set(replays.map(({ id }) => id)).size).toBe(REPLAYS_MAX);
    expect(await count({ after: "start" })).toBe(1);
    await send("DELETE", `/destinations/app/replays/${replays[0]?.id}`);
    expect((await replay({ after: "start" }))[0]).toBe(202);
  });
});

describe("what can't be replayed is refused", () => {
  const invalid: [string, object, string][] = [
    ["no beginning", {}, "after"],
    ["no place", { after: "yesterday" }, "after"],
    ["no real date", { after: "2026-02-30T00:00:00Z" }, "after"],
    ["no end", { after: "start", until: "start" }, "until"],
    ["an end of no form", { after: "start", until: "" }, "until"],
    ["an end before its beginning", { after: "now", until: "2020-01-01T00:00:00Z" }, "until"],
    ["no kinds", { after: "start", kinds: [] }, "kinds"],
    ["kinds as a text", { after: "start", kinds: "message" }, "kinds"],
    ["an unknown kind", { after: "start", kinds: ["massage"] }, "kinds/0"],
    ["all kinds, and one", { after: "start", kinds: ["all", "message"] }, "kinds"],
    ["an empty source", { after: "start", source: "" }, "source"],
    ["a sender that no engine takes", { after: "start", from: "+1\0" }, "from"],
    ["a rate of nothing", { after: "start", rate: "0/s" }, "rate"],
    ["a rate without its unit", { after: "start", rate: "200" }, "rate"],
    ["a rate as a number", { after: "start", rate: 200 }, "rate"],
    ["a text for new_ids", { after: "start", new_ids: "true" }, "new_ids"],
    ["a text for dry_run", { after: "start", dry_run: "yes" }, "dry_run"],
  ];

  test("with every mistake named, and nothing begun", async () => {
    await serve();
    await post("a");
    for (const [what, body, member] of invalid) {
      const [code, answer] = await replay(body);
      const { detail } = answer as { detail: { loc: string[] }[] };
      expect([what, code, detail.map(({ loc }) => loc)]).toEqual([what, 422, [["body", member]]]);
    }
    const [, several] = await replay({ after: "x", until: "y", kinds: ["all", "edit"] });
    expect((several as { detail: object[] }).detail.length).toBe(3);
    expect((await replay({ after: "start", sources: ["wa"] }))[0]).toBe(422);
    expect((await service.send("/destinations/app/replay", { body: "{" })).status).toBe(422);
    expect(await listed()).toEqual([]);
  });

  test("where a position doesn't hold, or lies beyond the end", async () => {
    await serve();
    await post("a");
    const { next } = await log();
    const beyond = next.replace(/\.\d+$/, ".7");
    for (const position of ["5f0c1d9a03bb71c2.1", beyond, "x.9999999999999999999"])
      for (const bounds of [{ after: position }, { after: "start", until: position }])
        expect(await replay({ ...bounds, dry_run: true })).toEqual([
          410,
          { detail: expect.stringContaining("doesn't hold"), start: expect.stringMatching(/\.0$/) },
        ]);
    expect(await listed()).toEqual([]);
  });

  test("where there is no such destination, or it isn't in the file", async () => {
    await serve();
    const unknown = [404, { detail: "there is no destination of this name" }];
    expect(await send("POST", "/destinations/x/replay", { after: "start" })).toEqual(unknown as never);
    expect(await send("GET", "/destinations/x/replays")).toEqual(unknown as never);
    expect(await send("DELETE", "/destinations/x/replays/r")).toEqual(unknown as never);
    expect((await send("DELETE", "/destinations/app/replays/r"))[0]).toBe(404);
    await service.stop();
    await start();
    expect(await replay({ after: "start", dry_run: true })).toEqual([
      409,
      { detail: expect.stringContaining("isn't in the configuration file") },
    ]);
  });
});

test("a failure of the live deliveries belongs to no replay", async () => {
  await start(config());
  receiver.behave(answers(400));
  await post("bad");
  const dead = () => get("/destinations/app/failures?state=dead") as Promise<{ data: object[] }>;
  await until("it is dead", async () => (await dead()).data.length === 1);
  expect((await dead()).data).toMatchObject([{ message_id: "bad", replay: null }]);
});
