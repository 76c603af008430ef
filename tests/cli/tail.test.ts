/** `postern tail` beside a service: what it shows, where it goes on, and what it says. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newPostgresDatabase } from "../postgres/server.ts";
import { PROGRAM } from "../program.ts";
import { until } from "../until.ts";
import { linesOf, newLine, post, type Running, startPostern } from "./followers.ts";
import { newServer, postern, type Server } from "./postern.ts";

const names = (beginning: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${beginning}${index + 1}`);
const idOf = (line: string) => /text of (\S+)$/.exec(line)?.[1] ?? line;
const idsOf = (running: Running) => running.lines().map(idOf);

/** Identifiers of all messages, in the order of the log. */
async function wholeLog(url: string): Promise<string[]> {
  interface Page {
    readonly data: readonly { readonly message_id: string }[];
    readonly next: string;
    readonly more: boolean;
  }
  const ids: string[] = [];
  for (let after = "start", goesOn = true; goesOn; ) {
    const page = (await (await fetch(`${url}/log?after=${after}&limit=1000`)).json()) as Page;
    ids.push(...page.data.map(({ message_id }) => message_id));
    after = page.next;
    goesOn = page.more;
  }
  return ids;
}

const running: Running[] = [];
function tail(env: Readonly<Record<string, string>>, ...args: string[]): Running {
  const started = startPostern(["tail", ...args], env);
  running.push(started);
  return started;
}

async function interrupted(started: Running): Promise<number> {
  started.signal("SIGINT");
  return started.exited;
}

afterAll(() => {
  for (const each of running) each.signal("SIGKILL");
});

describe("what a tail shows", () => {
  let server: Server;
  beforeAll(async () => {
    server = await newServer();
    await post(server.url, names("a", 15));
    await post(server.url, ["b1"], { from: "+7", to: "+8" });
    await post(server.url, names("c", 5));
  });
  afterAll(() => server.stop());

  const next = (() => {
    let count = 0;
    return () => `later-${++count}`;
  })();

  test("a tail begins with the last ten, in the order of the log, goes on with what comes, and ends quietly", async () => {
    const started = tail(server.env);
    expect((await linesOf(started, 10)).map(idOf)).toEqual([
      ...names("a", 15).slice(-4),
      "b1",
      ...names("c", 5),
    ]);
    const later = [next(), next(), next()];
    await post(server.url, later);
    expect((await linesOf(started, 13)).slice(10).map(idOf)).toEqual(later);
    expect(started.lines()[0]).toMatch(
      /^\d\d:\d\d:\d\d {2}native {2}message {2}\+919876543210 → \+14155550100 {2}text of a12$/,
    );
    expect(await interrupted(started)).toBe(130);
    expect(started.stderr()).toBe("");
  });

  test("a tail with -n 0 shows only what comes", async () => {
    const started = tail(server.env, "-n", "0", "--from", "+70");
    // Nothing tells that it waits: what comes is repeated until it is seen.
    await until("a line", async () => {
      await post(server.url, [next()], { from: "+70" });
      return started.lines().length > 0;
    });
    expect(idsOf(started)[0]).toStartWith("later-");
    await interrupted(started);
  });

  test("a tail with filters begins with the last that match", async () => {
    const started = tail(server.env, "--to", "+8", "--source", "native", "-n", "3");
    expect((await linesOf(started, 1)).map(idOf)).toEqual(["b1"]);
    const id = next();
    await post(server.url, [next(), next()]);
    await post(server.url, [id], { to: "+8" });
    expect((await linesOf(started, 2)).map(idOf)).toEqual(["b1", id]);
    await interrupted(started);
  });

  test("with --json a tail prints the records of the log as they are", async () => {
    const started = tail(server.env, "--json", "--since", "start");
    const { data } = (await (await fetch(`${server.url}/log?limit=1000`)).json()) as { data: object[] };
    expect(data.length).toBeGreaterThanOrEqual(21);
    const lines = await linesOf(started, data.length);
    expect(lines.map((line) => JSON.parse(line))).toEqual(data);
    await interrupted(started);
  });

  test("a tail begins at a position, at an instant, or so long ago", async () => {
    const { data } = (await (await fetch(`${server.url}/log?limit=21`)).json()) as {
      data: { position: string; created_at: string; message_id: string }[];
    };
    const b1 = data.find(({ message_id }) => message_id === "b1");
    for (const [since, first] of [
      [b1?.position ?? "", "c1"],
      [data[0]?.created_at ?? "", "a1"],
      ["1h", "a1"],
    ]) {
      const started = tail(server.env, "--since", since ?? "");
      expect(idOf((await linesOf(started, 5))[0] ?? "")).toBe(first ?? "");
      await interrupted(started);
    }
  });

  test("a tail ends without a word when nobody reads it any more, though nothing comes", async () => {
    const script = `"${process.execPath}" src/main.ts tail --since start | head -n 2 | wc -l`;
    const ran = await postern([], { command: ["sh", "-c", script], env: server.env });
    expect(ran).toEqual({ code: 0, stdout: "2\n", stderr: "" });
  });

  test.each([
    ["is coloured", {}, true],
    ["has no colours with NO_COLOR", { NO_COLOR: "1" }, false],
  ])(
    "on a terminal a line is cut to its width, and %s",
    async (_, env: Record<string, string>, isColoured) => {
      await post(server.url, ["wide"], { from: "+55", text: "日本".repeat(99) });
      let shown = "";
      const decoder = new TextDecoder();
      const child = Bun.spawn([...PROGRAM, "tail", "--from", "+55", "-n", "1"], {
        env: { PATH: process.env["PATH"] ?? "", TERM: "xterm-256color", ...server.env, ...env },
        terminal: {
          cols: 62,
          rows: 10,
          data: (_terminal, data) => {
            shown += decoder.decode(data, { stream: true });
          },
        },
      });
      await until("a line", () => shown.includes("\n"));
      child.kill("SIGINT");
      await child.exited;
      const line = shown.split("\r\n")[0] ?? "";
      expect(Bun.stringWidth(line)).toBeGreaterThan(59);
      expect(Bun.stringWidth(line)).toBeLessThanOrEqual(62);
      expect(Bun.stripANSI(line)).toEndWith("日…");
      expect(Bun.stripANSI(line) !== line).toBe(isColoured);
    },
  );
});

describe("a connection that is lost", () => {
  test("a tail goes on behind what it has shown, says so, and shows nothing twice", async () => {
    const server = await newServer();
    const line = await newLine(server.port);
    const started = tail(server.env, "--since", "start", "--url", line.url);
    await post(server.url, names("a", 3));
    await linesOf(started, 3);
    for (const round of [1, 2]) {
      await line.cut();
      await post(server.url, names(`away-${round}-`, 3));
      await until("that it is told", () => started.stderr().split("no answer from").length === round + 1);
      await line.join(server.port);
      await linesOf(started, 3 + 4 * round - 1);
      await post(server.url, [`back-${round}`]);
      await linesOf(started, 3 + 4 * round);
    }
    const rounds = [1, 2].flatMap((round) => [...names(`away-${round}-`, 3), `back-${round}`]);
    expect(idsOf(started)).toEqual([...names("a", 3), ...rounds]);
    const said = started.stderr().trim().split("\n");
    expect(said.map((each) => each.replace(/\(.*\)/, "(…)"))).toEqual(
      [1, 2].flatMap(() => [
        `postern: no answer from ${line.url} (…); asking again until there is one`,
        "postern: connected again",
      ]),
    );
    await interrupted(started);
    await line.cut();
    await server.stop();
  });

  test.each([
    ["SQLite", async () => undefined],
    ["PostgreSQL", newPostgresDatabase],
  ])(
    "a tail goes on when its service was killed and starts again (%s)",
    async (_, newDatabase) => {
      const database = await newDatabase();
      const first = await newServer(database && { env: { DATABASE_URL: database.url } });
      const url = database?.url ?? first.env["DATABASE_URL"] ?? "";
      const line = await newLine(first.port);
      const started = tail(first.env, "--since", "start", "--url", line.url);
      await post(first.url, names("before-", 5));
      await linesOf(started, 5);
      first.signal("SIGKILL");
      // It has the database until then.
      await first.exited;
      await line.cut();
      await until("that it is told", () => started.stderr().includes("no answer"));
      const second = await newServer({ env: { DATABASE_URL: url } });
      await post(second.url, names("after-", 5));
      await line.join(second.port);
      await linesOf(started, 10);
      await post(second.url, ["last"]);
      await linesOf(started, 11);
      expect(idsOf(started)).toEqual([...names("before-", 5), ...names("after-", 5), "last"]);
      expect(started.stderr()).not.toContain("reset");
      await interrupted(started);
      await line.cut();
      await second.stop();
      await first.stop();
      await database?.drop();
    },
    120_000,
  );

  test("a tail that finds another log says so, and shows that one from its start", async () => {
    const [first, second] = await Promise.all([newServer(), newServer()]);
    const line = await newLine(first.port);
    await post(first.url, names("first-", 3));
    await post(second.url, names("second-", 2));
    const started = tail(first.env, "--url", line.url);
    await linesOf(started, 3);
    await line.cut();
    await line.join(second.port);
    await linesOf(started, 5);
    expect(idsOf(started)).toEqual([...names("first-", 3), ...names("second-", 2)]);
    expect(started.stderr()).toContain("postern: reset: ");
    await interrupted(started);
    await line.cut();
    await first.stop();
    await second.stop();
  });
});

test("between the last ones and what comes nothing is missing and nothing is twice, while messages pour in", async () => {
  const server = await newServer();
  let stopping = false;
  const pouring = Promise.all(
    names("lane-", 4).map(async (lane) => {
      for (let index = 0; !stopping; index++) await post(server.url, [`${lane}-${index}`]);
    }),
  );
  const tails: Running[] = [];
  for (const count of ["0", "1", "10", "300"]) {
    tails.push(tail(server.env, "-n", count));
    await linesOf(tails.at(-1) as Running, Number(count) + 20);
  }
  stopping = true;
  await pouring;
  const log = await wholeLog(server.url);
  for (const each of tails) {
    await until("the end of the log", () => idsOf(each).at(-1) === log.at(-1));
    expect(idsOf(each)).toEqual(log.slice(log.indexOf(idsOf(each)[0] ?? "")));
    await interrupted(each);
  }
  await server.stop();
});

describe("what a tail can't do is one line and exit code 1:", () => {
  const TOKEN = "a-token";
  let server: Server;
  beforeAll(async () => {
    server = await newServer({ env: { API_TOKEN: TOKEN } });
  });
  afterAll(() => server.stop());

  test.each([
    ["no token", {}, [], /wants a token: set API_TOKEN/],
    ["a wrong token", { API_TOKEN: "x" }, [], /doesn't take this API_TOKEN/],
    [
      "an address without a log",
      { API_TOKEN: TOKEN },
      ["--url", "/elsewhere"],
      /has no \/elsewhere\/log: --url takes/,
    ],
    ["nobody there", {}, ["--url", "http://127.0.0.1:1"], /no answer from http:\/\/127\.0\.0\.1:1 \(/],
  ])("what a tail can't do is one line and exit code 1: %s", async (_, env, args, words) => {
    const given = args.map((arg) => arg.replace(/^\/(?=\w)/, `${server.url}/`));
    const own = Object.fromEntries(Object.entries(server.env).filter(([name]) => name !== "API_TOKEN"));
    const { code, stdout, stderr } = await postern(["tail", ...given], { env: { ...own, ...env } });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^postern: [^\n]+\n$/);
    expect(stderr).toMatch(words);
  });

  test("a tail of a service elsewhere takes its token", async () => {
    await post(server.url, ["m1"]);
    const started = tail({ API_TOKEN: TOKEN }, "--url", server.url);
    expect((await linesOf(started, 1)).map(idOf)).toEqual(["m1"]);
    await interrupted(started);
  });
});

describe("a tail with a consumer", () => {
  let server: Server;
  beforeAll(async () => {
    server = await newServer();
  });
  afterAll(() => server.stop());

  const consumer = async (name: string) =>
    (await (await fetch(`${server.url}/consumers/${name}`)).json()) as {
      lag_records: number;
      kinds: string[];
    };
  const isUpToDate = (name: string) =>
    until(`the end of ${name}`, async () => (await consumer(name)).lag_records === 0);

  test("a tail with a consumer goes on where it ended, whoever ran it before", async () => {
    await post(server.url, names("before-", 2));
    const first = tail(server.env, "--consumer", "dev");
    await until("the consumer", async () => (await fetch(`${server.url}/consumers/dev`)).status === 200);
    await post(server.url, names("one-", 3));
    await linesOf(first, 3);
    await isUpToDate("dev");
    expect(await interrupted(first)).toBe(130);
    await post(server.url, names("two-", 3));
    const second = tail(server.env, "--consumer", "dev", "--since", "start");
    await linesOf(second, 3);
    await isUpToDate("dev");
    await interrupted(second);
    expect(idsOf(first)).toEqual(names("one-", 3));
    expect(idsOf(second)).toEqual(names("two-", 3));
    expect(second.stderr()).toContain("goes on where it ended");
  });

  test("what a killed tail had not acknowledged comes again, and nothing is left out", async () => {
    await postern(["consumers", "create", "kill", "--start", "now"], { env: server.env });
    const ids: string[] = [];
    let isOver = false;
    // As long as somebody is killed, however fast the others were.
    const posting = (async () => {
      while (!isOver) {
        const id = `kill-${ids.length}`;
        await post(server.url, [id]);
        ids.push(id);
      }
    })();
    const shown: string[] = [];
    for (const round of [1, 2, 3]) {
      const started = tail(server.env, "--consumer", "kill");
      await linesOf(started, 20 * round);
      started.signal("SIGKILL");
      await started.exited;
      shown.push(...idsOf(started));
    }
    isOver = true;
    await posting;
    const last = tail(server.env, "--consumer", "kill");
    await isUpToDate("kill");
    await interrupted(last);
    shown.push(...idsOf(last));
    expect([...new Set(shown)]).toEqual(ids);
  });

  test("a filter is kept with the consumer, and another one is refused", async () => {
    const first = tail(server.env, "--consumer", "seven", "--from", "+7");
    await until("the consumer", async () => (await fetch(`${server.url}/consumers/seven`)).status === 200);
    await interrupted(first);
    await post(server.url, ["not-seven"]);
    await post(server.url, ["seven"], { from: "+7" });
    const second = tail(server.env, "--consumer", "seven");
    expect((await linesOf(second, 1)).map(idOf)).toEqual(["seven"]);
    await interrupted(second);
    const other = await postern(["tail", "--consumer", "seven", "--from", "+8"], { env: server.env });
    expect(other.code).toBe(1);
    expect(other.stderr).toBe("postern: seven: a consumer of this name is there with another filter\n");
  });
});

describe("a tail that forwards", () => {
  const KEY = Buffer.from("secret");
  const SECRET = `whsec_${KEY.toString("base64")}`;
  interface Request {
    readonly headers: Headers;
    readonly body: string;
  }
  /** An application that answers as it is told. */
  function newApplication(answer: (id: string, requests: readonly Request[]) => number) {
    const requests: Request[] = [];
    const application = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => {
        const body = await request.text();
        const status = answer(JSON.parse(body).data.message_id, requests);
        requests.push({ headers: request.headers, body });
        return new Response(null, { status });
      },
    });
    const ids = () => requests.map(({ body }) => JSON.parse(body).data.message_id as string);
    return {
      url: `http://127.0.0.1:${application.port}/hooks`,
      requests,
      ids,
      stop: () => application.stop(true),
    };
  }

  let server: Server;
  beforeAll(async () => {
    server = await newServer();
    await post(server.url, names("old-", 3));
  });
  afterAll(() => server.stop());

  test("each record is posted in its order, signed, and its status and time are shown", async () => {
    const application = newApplication((id) => (id === "fine-2" ? 503 : 204));
    const started = tail(server.env, "--since", "start", "--forward", application.url, "--secret", SECRET);
    await linesOf(started, 3);
    await post(server.url, names("fine-", 3));
    const lines = await linesOf(started, 6);
    expect(application.ids()).toEqual([...names("old-", 3), ...names("fine-", 3)]);
    expect(lines[4]).toMatch(/^\d\d:\d\d:\d\d {2}503, \d+ ms +native {2}message .* text of fine-2$/);
    expect(lines[5]).toMatch(/^\d\d:\d\d:\d\d {2}204, \d+ ms +native {2}message .* text of fine-3$/);
    for (const { headers, body } of application.requests) {
      const id = headers.get("webhook-id") ?? "";
      const { type, timestamp, data } = JSON.parse(body);
      expect({ type, timestamp }).toEqual({ type: "message.received", timestamp: data.created_at });
      const hash = new Bun.CryptoHasher("sha256").update(`message\0${data.message_id}`).digest("hex");
      expect(id).toBe(`evt_${hash.slice(0, 32)}`);
      const signed = `${id}.${headers.get("webhook-timestamp")}.${body}`;
      const signature = new Bun.CryptoHasher("sha256", KEY).update(signed).digest("base64");
      expect(headers.get("webhook-signature")).toBe(`v1,${signature}`);
      expect(headers.get("content-type")).toBe("application/json");
    }
    await interrupted(started);
    application.stop();
  });

  test("without a secret nothing is signed, and only what comes is posted", async () => {
    const application = newApplication(() => 200);
    const started = tail(server.env, "--forward", application.url, "--from", "+71");
    await post(server.url, ["not-71"]);
    let count = 0;
    await until("a request", async () => {
      await post(server.url, [`new-${++count}`], { from: "+71" });
      return application.requests.length > 0;
    });
    expect(application.ids().filter((id) => !id.startsWith("new-"))).toEqual([]);
    expect(application.requests[0]?.headers.has("webhook-signature")).toBe(false);
    await interrupted(started);
    application.stop();
  });

  test("with a consumer what isn't taken is tried again until it is, before anything else, and says so", async () => {
    const refusals = new Map([["again-2", 2]]);
    const application = newApplication((id) => {
      const left = refusals.get(id) ?? 0;
      refusals.set(id, left - 1);
      return left > 0 ? 500 : 200;
    });
    await postern(["consumers", "create", "app", "--start", "now"], { env: server.env });
    const started = tail(server.env, "--consumer", "app", "--forward", application.url);
    await post(server.url, names("again-", 3));
    await linesOf(started, 3);
    expect(application.ids()).toEqual(["again-1", "again-2", "again-2", "again-2", "again-3"]);
    expect(
      new Set(application.requests.slice(1, 4).map(({ headers }) => headers.get("webhook-id"))).size,
    ).toBe(1);
    expect(started.stderr()).toMatch(
      /^postern: \S+: 500, \d+ ms; tried again in 0\.5 s\npostern: \S+: 500, \d+ ms; tried again in 1 s\n$/,
    );
    await interrupted(started);
    application.stop();
  });

  test("with a consumer only what got 2xx is acknowledged: the rest comes to the next tail", async () => {
    const first = newApplication((id) => (id === "keep-2" ? 500 : 200));
    await postern(["consumers", "create", "keep", "--start", "now"], { env: server.env });
    const failing = tail(server.env, "--consumer", "keep", "--forward", first.url);
    await post(server.url, names("keep-", 3));
    await until("a second attempt", () => first.ids().filter((id) => id === "keep-2").length >= 2);
    expect(await interrupted(failing)).toBe(130);
    first.stop();
    const second = newApplication(() => 200);
    const started = tail(server.env, "--consumer", "keep", "--forward", second.url, "--json");
    const lines = await linesOf(started, 2);
    expect(second.ids()).toEqual(["keep-2", "keep-3"]);
    expect(lines.map((line) => JSON.parse(line).message_id)).toEqual(["keep-2", "keep-3"]);
    await interrupted(started);
    expect(started.stderr()).toMatch(/^(?:postern: \S+: 200, \d+ ms\n){2}$/);
    second.stop();
  });
});
