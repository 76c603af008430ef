/**
 * What `postern send` does about answers that pass, against a server that gives them on purpose.
 */
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { newFolder } from "../folder.ts";
import { PROGRAM } from "../program.ts";
import { until } from "../until.ts";
import { postern, SECRET } from "./postern.ts";

type Answer = (attempt: number, body: string) => Response | Promise<Response>;

let server: ReturnType<typeof Bun.serve> | undefined;
afterEach(() => server?.stop(true));

const OK = (result = "ok") => Response.json({ status: "ok" }, { headers: { "Postern-Result": result } });
const BUSY = (headers: Record<string, string> = { "Retry-After": "0" }) =>
  Response.json({ detail: "too many messages wait" }, { status: 503, headers });

/** Sends to a server that answers so; with the times of the attempts by body. */
async function sendTo(answer: Answer, args: readonly string[] = [], stdin = "m1\n") {
  const attempts = new Map<string, number[]>();
  server = Bun.serve({
    port: 0,
    fetch: async (request) => {
      const body = await request.text();
      const times = attempts.get(body) ?? [];
      attempts.set(body, [...times, performance.now()]);
      return answer(times.length, body);
    },
  });
  const url = `http://127.0.0.1:${server.port}/webhook`;
  const flags = ["send", "--file", "-", "--format", "ndjson", "--url", url, ...args];
  return { ...(await postern(flags, { env: { WEBHOOK_SECRET: SECRET }, stdin })), attempts };
}

test("a 503 is tried again, and what counts is the answer that comes in the end", async () => {
  const { code, stdout, stderr, attempts } = await sendTo((attempt) =>
    attempt < 3 ? BUSY() : OK("duplicate"),
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("new 0, duplicate 1, refused 0, failed 0");
  expect(attempts.get("m1")).toHaveLength(4);
});

test("Retry-After is waited for", async () => {
  const { code, attempts } = await sendTo((attempt) => (attempt < 1 ? BUSY({ "Retry-After": "1" }) : OK()));
  expect(code).toBe(0);
  const [first = 0, second = 0] = attempts.get("m1") ?? [];
  expect(second - first).toBeGreaterThanOrEqual(1000);
});

test("retries are bounded, and what is still refused for a while then failed", async () => {
  const { code, stdout, stderr, attempts } = await sendTo(() => BUSY(), ["--retries", "2"], "m1\nm2\n");
  expect(code).toBe(1);
  expect(stdout).toContain("new 0, duplicate 0, refused 0, failed 2");
  expect(stderr).toContain("line 1 failed: 503 too many messages wait");
  expect([...attempts.values()].map((times) => times.length)).toEqual([3, 3]);
});

test("a 4xx and a 500 are not tried again", async () => {
  const { code, stdout, attempts } = await sendTo(
    (_, body) => new Response("no", { status: body === "m1" ? 400 : 500 }),
    [],
    "m1\nm2\n",
  );
  expect(code).toBe(1);
  expect(stdout).toContain("refused 1, failed 1");
  expect([...attempts.values()].map((times) => times.length)).toEqual([1, 1]);
});

test("a 429 is tried again when a proxy gave it, and not when it says that the signature is wrong", async () => {
  const tooMany = (headers: Record<string, string>) =>
    Response.json({ detail: "too many" }, { status: 429, headers: { "Retry-After": "0", ...headers } });
  const ofProxy = await sendTo((attempt) => (attempt < 1 ? tooMany({}) : OK()));
  expect([ofProxy.code, ofProxy.attempts.get("m1")?.length]).toEqual([0, 2]);
  const own = await sendTo(() => tooMany({ "Postern-Result": "invalid_signature" }));
  expect([own.code, own.attempts.get("m1")?.length]).toEqual([1, 1]);
  expect(own.stdout).toContain("refused 1, failed 0");
});

test("a 200 of Postern that says neither new nor duplicate counts as accepted", async () => {
  const { code, stdout } = await sendTo(() => OK("error"));
  expect(code).toBe(0);
  expect(stdout).toContain("new 0, duplicate 0, accepted 1, refused 0, failed 0");
});

const MANY = Array.from({ length: 500 }, (_, index) => `m${index}\n`).join("");
const NO_POSTERN =
  /\npostern: (?:stopped at line \d+ because )?whoever answers at http:\/\/127\.0\.0\.1:\d+\/webhook is no webhook of Postern: its answers lack the header Postern-Result\. Check --url, HOST and PORT, [^\n]+\n$/;

test.each([
  ["takes everything", () => new Response("ok")],
  ["knows no such path", () => new Response("<h1>Not found</h1>", { status: 404 })],
  ["takes no POST", () => new Response("\x1b[31mno", { status: 501 })],
])("whoever %s and isn't Postern is noticed after the first few answers", async (_, answer) => {
  const { code, stdout, stderr, attempts } = await sendTo(answer, [], MANY);
  expect(code).toBe(1);
  expect(stdout).toContain("new 0, duplicate 0,");
  expect(stderr).toMatch(/^postern: line \d+ (?:failed|refused): \d{3}, without the header Postern-Result\n/);
  expect(stderr).toMatch(NO_POSTERN);
  expect(attempts.size).toBeLessThan(50);
  const one = await sendTo(answer);
  expect([one.code, one.stdout.includes("refused 1, failed 0") || one.stdout.includes("failed 1")]).toEqual([
    1,
    true,
  ]);
  expect(one.stderr).toMatch(NO_POSTERN);
});

test("an answer of something between doesn't stop what Postern answers otherwise", async () => {
  const { code, stdout, stderr, attempts } = await sendTo(
    (_, body) => (/[1-4]$/.test(body) ? new Response("", { status: 413 }) : OK()),
    [],
    MANY,
  );
  expect([code, attempts.size]).toEqual([1, 500]);
  expect(stdout).toContain("new 300, duplicate 0, refused 200, failed 0");
  expect(stderr).not.toContain("stopped");
});

test("a wrong secret is told after the first few equal refusals, with what to check", async () => {
  const refusal = () =>
    Response.json(
      { detail: "invalid signature" },
      { status: 401, headers: { "Postern-Result": "invalid_signature" } },
    );
  const advice =
    "the service has another secret than WEBHOOK_SECRET here: send with the one that it was started with";
  const { code, stderr, attempts } = await sendTo(refusal, [], MANY);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^postern: line \d+ refused: 401 invalid signature\n/);
  expect(stderr).toMatch(new RegExp(`\\npostern: stopped at line \\d+ because ${advice}\\n$`));
  expect(attempts.size).toBeLessThan(50);
  const rules = await sendTo(
    () => Response.json({ detail: "no" }, { status: 422, headers: { "Postern-Result": "validation_error" } }),
    [],
    MANY,
  );
  expect([rules.code, rules.attempts.size]).toEqual([1, 500]);
});

test("on a terminal the bar counts messages that were answered", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let answered = 0;
  server = Bun.serve({
    port: 0,
    fetch: async () => {
      if (++answered > 50) await held;
      return OK();
    },
  });
  const folder = newFolder();
  const file = join(folder.path, "rows.tsv");
  await Bun.write(file, `Label\tSMS\n${"ham\tHello\n".repeat(200)}`);
  const map = ["message_id={row}", "from=+1", "to=+2", "ts=2025-01-15T10:00:00Z", "text={SMS}"];
  const parts: string[] = [];
  const url = `http://127.0.0.1:${server.port}/webhook`;
  const child = Bun.spawn(
    [...PROGRAM, "send", "--file", file, "--url", url, ...map.flatMap((each) => ["--map", each])],
    {
      env: { PATH: process.env["PATH"] ?? "", TERM: "xterm-256color", WEBHOOK_SECRET: SECRET },
      terminal: { cols: 100, rows: 24, data: (_, data) => parts.push(Buffer.from(data).toString()) },
    },
  );
  // Everything is read long before, as it is less than a chunk.
  const [, percent, sent] = await until(
    "a bar with messages",
    () => /(\d+) % {2}([1-9]\d*) sent/.exec(parts.join("")) ?? undefined,
  );
  expect(Math.abs(Number(percent) - Number(sent) / 2)).toBeLessThan(2);
  release();
  expect(await child.exited).toBe(0);
  folder.remove();
  const summary = "new 200, duplicate 0, refused 0, failed 0";
  await until("the summary", () => Bun.stripANSI(parts.join("")).includes(summary));
});

test("an answer that doesn't come in time is tried again", async () => {
  const { code, attempts } = await sendTo(
    (attempt) => (attempt < 1 ? new Promise<Response>(() => undefined) : OK()),
    ["--timeout", "2000"],
  );
  expect(code).toBe(0);
  expect(attempts.get("m1")).toHaveLength(2);
});

test("when nobody answers at all the rest isn't tried", async () => {
  const stdin = Array.from({ length: 5000 }, (_, index) => `m${index}\n`).join("");
  const flags = [
    "send",
    "--file",
    "-",
    "--format",
    "ndjson",
    "--url",
    "http://127.0.0.1:1/webhook",
    "--retries",
    "1",
  ];
  const { code, stdout, stderr } = await postern(flags, { env: { WEBHOOK_SECRET: SECRET }, stdin });
  expect(code).toBe(1);
  expect(stdout).toContain("failed 16");
  expect(stderr).toMatch(/postern: line \d+ failed: no connection to http:\/\/127\.0\.0\.1:1 /);
  expect(stderr).toMatch(/\npostern: stopped at line \d+ because nobody answers: [^\n]+\n$/);
});

test("no more than --concurrency messages are under way at once, and no fewer", async () => {
  let under = 0;
  let most = 0;
  let release = () => {};
  const all = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { code } = await sendTo(
    async () => {
      most = Math.max(most, ++under);
      if (under === 7) release();
      await all;
      under--;
      return OK();
    },
    ["--concurrency", "7"],
    Array.from({ length: 50 }, (_, index) => `m${index}\n`).join(""),
  );
  expect(code).toBe(0);
  expect(most).toBe(7);
});
