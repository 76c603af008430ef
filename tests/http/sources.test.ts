/**
 * Which sources serve: their ranges of identifiers, their counts, and others in their place while
 * it runs.
 */
import { describe, expect, test } from "bun:test";
import { newDatabase } from "../databases/database.ts";
import { message } from "../messages.ts";
import { pinnedClock } from "../pinned-clock.ts";
import { META, metaPost, signed, status, text } from "./meta-posts.ts";
import { newService, type TestService } from "./service.ts";

const OTHER = { kind: "telegram", secret: "token-of-the-telegram-source" };
const RESULTS = ["ok", "duplicate", "invalid_signature", "validation_error", "overloaded", "error"];
const KINDS = ["status", "reaction", "edit", "delete", "echo", "callback", "system", "other"];

const metricsOf = async (service: TestService) => (await service.get("/metrics")).text();

describe("the range NAME: of a source", () => {
  test("the range NAME: of a source is closed to native messages, and everything beside it is open", async () => {
    const service = await newService({}, { sources: { wa: META } });
    for (const id of ["wa:1", "wa:", "wa::", "wa: "]) {
      const answer = await service.post(message(id));
      expect([answer.status, answer.headers.get("Postern-Result")]).toEqual([422, "validation_error"]);
      expect(await answer.json()).toEqual({
        detail: [
          {
            type: "value_error",
            loc: ["body", "message_id"],
            msg: "Identifiers that begin with 'wa:' belong to the source wa",
            input: id,
          },
        ],
      });
    }
    for (const id of ["wa", "WA:1", "wax:1", " wa:1", ":wa:1", "x:wa:1", "native:1", "toString:1"])
      expect((await service.post(message(id))).status).toBe(200);
    await service.stop();
  });

  test("the range NAME: of a source can't be had when native messages are in it: the start is refused in one line, and harms nothing", async () => {
    const database = await newDatabase();
    const first = await newService({}, { database });
    await first.post(message("wa:1"));
    await first.stop();
    const starting = newService({}, { database, sources: { bot: OTHER, wa: META } });
    await expect(starting).rejects.toThrow(/message_id begins with wa:: rename the source wa$/);
    await expect(starting).rejects.toMatchObject({ name: "StartRefused" });
    const again = await newService({}, { database, sources: { bot: OTHER, whatsapp: META } });
    expect((await again.post(message("wa:2"))).status).toBe(200);
    await again.stop();
    await database.drop();
  });
});

describe("without WEBHOOK_SECRET", () => {
  test("without WEBHOOK_SECRET configured sources are served and the native one is not there at all", async () => {
    const service = await newService({ WEBHOOK_SECRET: "" }, { sources: { wa: META } });
    for (const [method, path] of [
      ["POST", "/webhook"],
      ["GET", "/webhook"],
      ["POST", "/webhook/"],
      ["POST", "/webhook/native"],
    ] as const) {
      const answer = await service.send(path, { method });
      expect([answer.status, await answer.text()]).toEqual([404, '{"detail":"Not Found"}']);
    }
    expect((await service.send("/webhook/wa", metaPost([text("1")]))).status).toBe(200);
    const { paths } = (await (await service.get("/openapi.json")).json()) as { paths: object };
    expect(Object.keys(paths)).toContain("/webhook/{source}");
    expect(Object.keys(paths)).not.toContain("/webhook");
    expect(await metricsOf(service)).not.toContain('source="native"');
    await expect(service.replaceSources({})).rejects.toThrow("WEBHOOK_SECRET is not set");
    expect((await service.send("/webhook/wa", metaPost([text("2")]))).status).toBe(200);
    await service.stop();
  });

  test("without WEBHOOK_SECRET and without sources the start is refused", async () => {
    await expect(newService({ WEBHOOK_SECRET: "" })).rejects.toThrow("WEBHOOK_SECRET is not set");
  });
});

describe("other sources in place of those that serve", () => {
  test("other sources are there at once; those that are gone are unknown, and their series stay", async () => {
    const service = await newService({}, { sources: { wa: META } });
    await service.send("/webhook/wa", metaPost([text("1")]));
    await service.replaceSources({ bot: OTHER });
    expect((await service.send("/webhook/wa", metaPost([text("2")]))).status).toBe(404);
    const headers = { "X-Telegram-Bot-Api-Secret-Token": OTHER.secret };
    expect((await service.send("/webhook/bot", { body: "{}", headers })).status).toBe(200);
    expect((await service.post(message("wa:3"))).status).toBe(200);
    expect((await service.post(message("bot:3"))).status).toBe(422);
    expect(await service.metric('webhook_requests_total{source="wa",result="ok"}')).toBe(1);
    expect(await service.metric('webhook_requests_total{source="bot",result="ok"}')).toBe(1);
    await service.replaceSources({ bot: OTHER, whatsapp: META });
    await service.send("/webhook/bot", { body: "[]", headers });
    expect(await service.metric('webhook_requests_total{source="bot",result="ok"}')).toBe(2);
    await service.stop();
  });

  test("other sources change a secret without a request lost", async () => {
    const service = await newService({}, { sources: { wa: META } });
    const posts = Array.from({ length: 60 }, async (_, index) => {
      if (index % 20 === 10)
        await service.replaceSources({
          wa: { ...META, secret: [META.secret, `secret ${index} of the source`] },
        });
      return service.send("/webhook/wa", metaPost([text(`m${index}`)]));
    });
    for (const answer of await Promise.all(posts)) expect(answer.status).toBe(200);
    expect(await service.rows()).toHaveLength(60);
    const other = signed("{}", "secret 50 of the source");
    expect((await service.send("/webhook/wa", other)).status).toBe(200);
    expect((await service.send("/webhook/wa", signed("{}", "secret 30 of the source"))).status).toBe(401);
    expect(await service.metric('webhook_requests_total{source="wa",result="ok"}')).toBe(61);
    await service.stop();
  });

  test("other sources that can't be had change nothing: the old ones serve, and the ranges are as they were", async () => {
    const service = await newService({}, { sources: { wa: META } });
    await service.post(message("bot:1"));
    const replacing = service.replaceSources({ bot: OTHER, third: META });
    await expect(replacing).rejects.toThrow(/begins with bot:: rename the source bot$/);
    expect((await service.send("/webhook/wa", metaPost([text("1")]))).status).toBe(200);
    expect((await service.send("/webhook/third", metaPost([text("1")]))).status).toBe(404);
    expect((await service.post(message("wa:1"))).status).toBe(422);
    expect((await service.post(message("third:1"))).status).toBe(200);
    expect(await metricsOf(service)).not.toContain('source="third"');
    await service.stop();
  });

  test("other sources take a range so that no native message slips in between", async () => {
    const service = await newService();
    const refused: boolean[] = [];
    for (let round = 0; round < 40; round++) {
      const name = `s${round}`;
      const posts = Array.from({ length: 8 }, (_, index) => service.post(message(`${name}:${index}`)));
      for (let turn = 0; turn < round / 4; turn++) await new Promise(setImmediate);
      if (round === 39) await Promise.race(posts);
      const replacing = service.replaceSources({ [name]: META });
      refused.push(
        await replacing.then(
          () => false,
          () => true,
        ),
      );
      const codes = (await Promise.all(posts)).map((answer) => answer.status);
      // A source is refused exactly if a message was there before it.
      expect([round, codes.includes(200)]).toEqual([round, refused[round] as boolean]);
    }
    expect(new Set(refused).size).toBe(2);
    await service.stop();
  });
});

describe("the counts of a source", () => {
  test("the counts of a source are there from the start, all at 0", async () => {
    const service = await newService({}, { sources: { wa: META, bot: OTHER } });
    const metrics = await metricsOf(service);
    for (const source of ["native", "wa", "bot"]) {
      for (const result of RESULTS)
        expect(metrics).toContain(`\nwebhook_requests_total{source="${source}",result="${result}"} 0\n`);
      for (const result of ["created", "duplicate", "differs", "conflict"])
        expect(metrics).toContain(`\nwebhook_messages_total{source="${source}",result="${result}"} 0\n`);
      for (const kind of KINDS)
        expect(metrics).toContain(`\nwebhook_events_total{source="${source}",kind="${kind}"} 0\n`);
    }
    expect(metrics).toContain("\nwebhook_conflicts_total 0\n");
    expect(metrics).toContain("\nwebhook_duplicates_differing_total 0\n");
    expect(metrics).not.toMatch(/^webhook_last_(message|event)_timestamp_seconds\{/m);
    await service.stop();
  });

  test("the counts of a source tell messages and events by what became of them, and requests by their result", async () => {
    const clock = pinnedClock();
    const service = await newService({}, { sources: { wa: META, bot: OTHER }, clock });
    const last = (source: string) =>
      service.metric(`webhook_last_message_timestamp_seconds{source="${source}"}`);
    await clock.at("2026-01-01T00:00:00.500Z", () =>
      service.send("/webhook/wa", metaPost([text("1"), text("2")], [status("1"), status("1")])),
    );
    await service.send("/webhook/wa", metaPost([text("1"), text("2", "other")], [status("1"), status("2")]));
    await service.send("/webhook/wa", { body: "{}" });
    await service.post(message("n"));
    await service.post(message("n", { text: "other" }));
    expect(await last("wa")).toBe(Date.parse("2026-01-01T00:00:00.500Z") / 1000);
    expect(await last("native")).toBeGreaterThan(Date.parse("2026-01-02T00:00:00Z") / 1000);
    expect(await last("bot")).toBeUndefined();
    const lastEvent = (source: string) =>
      service.metric(`webhook_last_event_timestamp_seconds{source="${source}"}`);
    expect(await lastEvent("wa")).toBeGreaterThan(Date.parse("2026-01-02T00:00:00Z") / 1000);
    expect(await lastEvent("native")).toBeUndefined();
    const counted = [...(await metricsOf(service)).matchAll(/^webhook_[a-z]+_total\{.*\} [1-9]\d*$/gm)].map(
      ([line]) => line,
    );
    expect(counted).toEqual([
      'webhook_requests_total{source="wa",result="ok"} 2',
      'webhook_requests_total{source="wa",result="invalid_signature"} 1',
      'webhook_requests_total{source="native",result="ok"} 1',
      'webhook_requests_total{source="native",result="duplicate"} 1',
      'webhook_messages_total{source="wa",result="created"} 2',
      'webhook_messages_total{source="wa",result="duplicate"} 1',
      'webhook_messages_total{source="wa",result="differs"} 1',
      'webhook_messages_total{source="native",result="created"} 1',
      'webhook_messages_total{source="native",result="differs"} 1',
      'webhook_events_total{source="wa",kind="status"} 2',
    ]);
    expect(await service.metric("webhook_duplicates_differing_total")).toBe(2);
    await service.stop();
  });
});
