/** `/stats/series`, `/stats/sources` and `/stats/refusals` over HTTP. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { META, metaBody, signed, text } from "./meta-posts.ts";
import { newService, type TestService } from "./service.ts";

let service: TestService;
beforeAll(async () => {
  service = await newService({}, { sources: { wa: META } });
});
afterAll(() => service.stop());

interface Answer {
  readonly of: string;
  readonly step: string;
  readonly complete_to: string | null;
  readonly behind: number;
  readonly at: readonly string[];
  readonly series: readonly {
    readonly source?: string;
    readonly kind?: string;
    readonly result?: string;
    readonly counts: readonly number[];
  }[];
}

const get = async <T>(path: string) => (await (await service.get(path)).json()) as T;
const series = (query = "") => get<Answer>(`/stats/series?${query}`);
/** By labels, the sum over time. */
const sums = ({ series }: Answer) =>
  Object.fromEntries(
    series.map(({ source = "", kind = "", result = "", counts }) => [
      [source, kind, result].filter((label) => label !== "").join(" "),
      counts.reduce((total, rows) => total + rows, 0),
    ]),
  );
const counted = (query: string) =>
  until("all is counted", async () => {
    const answer = await series(query);
    return answer.behind === 0 && answer.series.length > 0 && answer;
  });
const mistake = async (path: string) => {
  const answer = await service.get(path);
  const { detail } = (await answer.json()) as { detail: { loc: string[]; msg: string; type: string }[] };
  return [answer.status, detail.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`)];
};

test("before anything has come there are times, and no series", async () => {
  const answer = await series();
  expect(answer).toMatchObject({ of: "records", step: "minute", behind: 0, series: [] });
  expect(answer.at).toHaveLength(60);
  const last = Date.parse(answer.at.at(-1) ?? "");
  expect(Date.now() - last).toBeLessThan(120_000);
  expect(answer.at.map(Date.parse)).toEqual(answer.at.map((_, index) => last - 60_000 * (59 - index)));
});

describe("what came in", () => {
  beforeAll(async () => {
    await service.post(message("a"));
    await service.post(message("a"));
    await service.post({});
    await service.post(message("b"), { "X-Signature": "0".repeat(64) });
    await service.send("/webhook?token=hidden", { method: "POST", body: "{}" });
    const body = metaBody([text("wamid.1")]);
    const sent = await service.send("/webhook/wa", { method: "POST", ...signed(body) });
    expect(sent.status).toBe(200);
    await service.send("/webhook/wa?secret=hidden", {
      method: "POST",
      headers: { ...signed(body).headers, "X-Hub-Signature-256": `sha256=${"0".repeat(64)}` },
      body,
    });
    await service.send("/webhook/nobody", { method: "POST", body });
    await service.send("/webhook/wa?hub.mode=subscribe&hub.verify_token=no&hub.challenge=1", {
      method: "GET",
    });
  });

  test("is counted by source and kind, and requests by source and result", async () => {
    expect(sums(await counted("step=day"))).toEqual({ "native message": 1, "wa message": 1 });
    expect(sums(await counted("by=kind"))).toEqual({ message: 2 });
    expect(sums(await counted("by=source&step=hour&source=wa"))).toEqual({ wa: 1 });
    const requests = await until("requests are counted to the last", async () => {
      const found = sums(await series("of=requests"));
      return found["wa invalid_signature"] === 2 && found;
    });
    expect(requests).toEqual({
      "native duplicate": 1,
      "native invalid_signature": 2,
      "native ok": 1,
      "native validation_error": 1,
      "wa invalid_signature": 2,
      "wa ok": 1,
    });
    expect(sums(await series("of=requests&by=result"))["invalid_signature"]).toBe(4);
  });

  test("stands in columns whose steps begin at whole ones", async () => {
    const { at, series: all } = await series(
      "step=day&from=2026-01-01T10:59:59.5Z&to=2026-01-03T00:00:00.000000001Z&by=source",
    );
    expect(all).toEqual([]);
    expect(at).toEqual(["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z", "2026-01-03T00:00:00.000Z"]);
    const answer = await counted("step=minute");
    for (const { counts } of answer.series) expect(counts).toHaveLength(answer.at.length);
  });

  test("is shown by source, with what was refused", async () => {
    await until("all is written", async () => sums(await series("of=requests"))["wa ok"] !== undefined);
    const { data } = await get<{ data: Record<string, unknown>[] }>("/stats/sources");
    const native = data.find(({ source }) => source === "native");
    expect(data.map(({ source }) => source)).toEqual(["native", "wa"]);
    expect(native).toEqual({
      source: "native",
      configured: true,
      last_message_at: expect.stringMatching(/Z$/),
      last_event_at: null,
      last_hour: 1,
      last_day: 1,
      last_7_days: 1,
      refused_last_hour: 2,
      usual_per_hour: null,
      quiet: false,
    });
  });

  test("of what is refused the newest are there, with nothing that they brought", async () => {
    const data = await until("refusals are written", async () => {
      const found = await get<{ data: Record<string, string>[] }>("/stats/refusals");
      return found.data.length >= 3 && found.data;
    });
    expect(data).toEqual([
      {
        at: expect.any(String),
        source: "wa",
        client: "127.0.0.1",
        reason: expect.any(String),
        method: "POST",
        path: "/webhook/wa",
      },
      expect.objectContaining({
        source: "native",
        path: "/webhook",
        reason: "the header X-Signature is missing",
      }),
      expect.objectContaining({ source: "native", path: "/webhook" }),
    ]);
    const line = service.logLines().find(({ source, reason }) => source === "wa" && reason !== undefined);
    expect(data[0]?.["reason"]).toBe(String(line?.["reason"]));
    expect(JSON.stringify(data)).not.toMatch(/hidden|00000000|wamid/);
    const one = await get<{ data: unknown[] }>("/stats/refusals?source=native&limit=1");
    expect(one.data).toEqual([data[1]]);
  });
});

describe("what can't be shown", () => {
  test("says what to ask for", async () => {
    const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
    const DAY_MS = 86_400_000;
    /** A minute may be over until it is answered. */
    const SPARED_MS = 30_000;
    expect(await mistake("/stats/series?by=result")).toEqual([
      422,
      ["query.by: Series of records take one of source,kind | source | kind"],
    ]);
    expect(await mistake("/stats/series?step=week&of=x")).toEqual([
      422,
      [expect.stringContaining("query.of: "), expect.stringContaining("query.step: ")],
    ]);
    expect(await mistake("/stats/series?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z")).toEqual([
      422,
      ["query.from: from should be before to"],
    ]);
    expect(await mistake(`/stats/series?from=${ago(2.2 * DAY_MS)}`)).toEqual([
      422,
      ["query.from: It takes 3000 minutes at most: ask for a shorter range, or a longer step"],
    ]);
    expect(await mistake(`/stats/series?from=${ago(3 * DAY_MS)}&to=${ago(2.5 * DAY_MS)}`)).toEqual([
      422,
      ["query.from: minutes are kept for 2 days: ask for a later from, or a longer step"],
    ]);
    expect(await mistake(`/stats/series?step=hour&from=${ago(91 * DAY_MS)}`)).toEqual([
      422,
      ["query.from: hours are kept for 90 days: ask for a later from, or a longer step"],
    ]);
    expect((await service.get(`/stats/series?from=${ago(2 * DAY_MS - SPARED_MS)}`)).status).toBe(200);
    expect((await service.get(`/stats/series?step=hour&from=${ago(90 * DAY_MS - SPARED_MS)}`)).status).toBe(
      200,
    );
    expect((await mistake("/stats/series?from=2026-02-30T00:00:00Z"))[0]).toBe(422);
    expect((await mistake("/stats/refusals?limit=1001"))[0]).toBe(422);
    expect((await mistake("/stats/refusals?limit=x"))[0]).toBe(422);
  });
});

test("all of it takes the token", async () => {
  const guarded = await newService({ API_TOKEN: "token-of-some-length" });
  for (const path of ["series", "sources", "refusals"])
    expect((await guarded.get(`/stats/${path}`, { headers: { Authorization: "" } })).status).toBe(401);
  await guarded.stop();
});
