/** `postern deliveries` beside a service that hands on to a receiver, and without one. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answers, type Behaviour, closes, hangs, newReceiver, type Receiver } from "../deliver/receiver.ts";
import { type Folder, newFolder } from "../folder.ts";
import { until } from "../until.ts";
import { post } from "./followers.ts";
import { newServer, postern, type Ran, type Server } from "./postern.ts";

const SECRET = "a secret of the destination";
const ONE_LINE = /^postern: [^\n]+\n$/;

const lines = ({ stdout }: Ran) => stdout.split("\n").slice(0, -1);
/** The cells of a table, which are at least two spaces apart. */
const cells = (ran: Ran) => lines(ran).map((line) => line.split(/ {2,}/));
const destination = (url: string, more = "") =>
  `    url: ${url}\n    secret: ${SECRET}\n    allow_private: true\n${more}`;

describe("beside a service", () => {
  let folder: Folder;
  let receiver: Receiver;
  let server: Server;
  let config: string;
  /** What messages say that the receiver refuses. */
  const refused = new Set<string>();
  const refuses: Behaviour = (answer, received) => {
    const { message_id } = JSON.parse(received.body).data;
    (refused.has(message_id) ? answers(422, {}, "no such\norder") : answers(200))(answer, received);
  };
  beforeAll(async () => {
    folder = newFolder();
    receiver = await newReceiver({ secrets: [SECRET] });
    receiver.behave(refuses);
    config = join(folder.path, "postern.yaml");
    writeFileSync(
      config,
      `destinations:\n  app:\n${destination(receiver.url, "    start: start\n    retry: [100ms]\n")}` +
        `  idle:\n${destination(receiver.url, "    from: '+999'\n")}` +
        `  slow:\n${destination(receiver.url, "    to: '+777'\n    retry: [1h]\n")}`,
    );
    server = await newServer({ flags: ["--config", config] });
    for (const id of ["bad", "worse"]) {
      refused.add(id);
      await post(server.url, [id, `after-${id}`], { from: id === "bad" ? "+1" : "+2" });
    }
    await until("both are dead, and the rest is handed on", async () => {
      const { dead, lag_records } = await shown();
      return dead === 2 && lag_records === 0;
    });
  });
  afterAll(async () => {
    await server.stop();
    await receiver.close();
    folder.remove();
  });

  const deliveries = (...args: string[]) => postern(["deliveries", ...args], { env: server.env });
  const shown = async (name = "app") =>
    (await (await fetch(`${server.url}/destinations/${name}`)).json()) as {
      dead: number;
      state: string;
      lag_records: number;
      put_aside: number;
    };
  const positions = async () => {
    const { data } = (await (await fetch(`${server.url}/destinations/app/failures`)).json()) as {
      data: { position: string; message_id: string }[];
    };
    return data.map(({ position }) => position);
  };

  test("list has a line for each destination, and show says all of one", async () => {
    const listed = await deliveries("list");
    expect(listed.stderr).toBe("");
    expect(cells(listed)).toEqual([
      ["NAME", "STATE", "BEHIND BY", "OLDEST", "PUT ASIDE", "DEAD", "NEXT ATTEMPT", "REASON"],
      ["app", "ok", "0 records", "-", "0", "2", "-"],
      ["idle", "ok", "0 records", "-", "0", "0", "-"],
      ["slow", "ok", "0 records", "-", "0", "0", "-"],
    ]);
    const one = Object.fromEntries(cells(await deliveries("show", "app")));
    expect(one).toMatchObject({
      ...{ name: "app", "behind by": "0 records", "put aside": "0 records", dead: "2 records" },
      state: expect.stringMatching(/^ok since \d{4}-/),
      attempts: "2 delivered, 4 failed",
      answers: expect.stringMatching(/^half within \d+ ms, 99 % within \d+ ms$/),
    });
    const json = lines(await deliveries("list", "--json")).map((line) => JSON.parse(line));
    expect(json.map(({ name, dead }) => [name, dead])).toEqual([
      ["app", 2],
      ["idle", 0],
      ["slow", 0],
    ]);
    expect(JSON.parse((await deliveries("show", "idle", "--json")).stdout)).toMatchObject({ name: "idle" });
  });

  test("failures says of each record why it failed, by filters and up to a limit", async () => {
    const [first = "", second = ""] = await positions();
    const listed = await deliveries("failures", "app");
    expect(cells(listed).map((row) => row.toSpliced(4, 1))).toEqual([
      ["POSITION", "STATE", "ATTEMPTS", "CAUSE", "NEXT", "RECORD", "SAID"],
      [first, "dead", "2", "status 422", "never", "message bad", "no such order"],
      [second, "dead", "2", "status 422", "never", "message worse", "no such order"],
    ]);
    const limited = await deliveries("failures", "app", "--limit", "1", "--json");
    expect(limited.stderr).toBe("1 of 2: more by --limit\n");
    expect(lines(limited).map((line) => JSON.parse(line).message_id)).toEqual(["bad"]);
    const from = await deliveries("failures", "app", "--from", "+2", "--state", "dead", "--cause", "status");
    expect(cells(from).map(([position]) => position)).toEqual(["POSITION", second]);
    expect(await deliveries("failures", "app", "--cause", "timeout")).toEqual({
      ...{ code: 0, stdout: "", stderr: "" },
    });
  });

  test("retry and drop do what is named, and nothing without being told which", async () => {
    for (const what of ["retry", "drop"]) {
      const unsaid = await deliveries(what, "app");
      expect([unsaid.code, unsaid.stdout]).toEqual([2, ""]);
      expect(unsaid.stderr).toMatch(/which\? Say it by --position.* or --all\n$/);
      expect((await deliveries(what, "app", "--all", "--state", "dead")).code).toBe(2);
    }
    expect((await shown()).dead).toBe(2);
    const [first = "", second = ""] = await positions();
    refused.delete("bad");
    const retried = await deliveries("retry", "app", "--position", first);
    expect(retried).toEqual({ code: 0, stdout: "tried again: 1 record of app\n", stderr: "" });
    await until("it is handed on", async () => (await positions()).length === 1);
    expect(await positions()).toEqual([second]);
    expect((await deliveries("drop", "app", "--from", "+1")).stdout).toBe("dropped: 0 records of app\n");
    expect((await deliveries("drop", "app", "--all", "--json")).stdout).toBe('{"records":1}\n');
    expect(await positions()).toEqual([]);
  });

  test("more positions than the service takes at a time are all done", async () => {
    const many = Array.from({ length: 1001 }, (_, index) => `abcdef0000000000.${index + 1}`);
    const args = many.flatMap((position) => ["--position", position]);
    expect((await deliveries("drop", "idle", ...args)).stdout).toBe("dropped: 0 records of idle\n");
  });

  test("a destination is paused, told so when it is probed, and resumed", async () => {
    const paused = await deliveries("pause", "idle");
    expect([paused.code, paused.stderr]).toEqual([0, ""]);
    expect(paused.stdout).toMatch(/^paused: destination idle, at \w+\.\d+\n$/);
    expect((await shown("idle")).state).toBe("paused");
    expect(cells(await deliveries("list"))[2]?.at(-1)).toBe("paused by an operator");
    expect((await deliveries("probe", "idle")).stdout).toBe(
      "the destination idle is paused: resume it first\n",
    );
    expect((await deliveries("resume", "idle")).stdout).toMatch(/^resumed: destination idle, at \w+\.\d+\n$/);
    expect((await shown("idle")).state).toBe("ok");
    expect((await deliveries("probe", "idle")).stdout).toBe(
      "the destination idle is ok: nothing holds it up\n",
    );
    expect(JSON.parse((await deliveries("pause", "idle", "--json")).stdout)).toMatchObject({
      state: "paused",
    });
    await deliveries("resume", "idle");
  });

  test("failures goes on over pages, and says who waits behind another one of its sender", async () => {
    refused.add("stuck");
    const behind = Array.from({ length: 119 }, (_, index) => `behind-${index}`);
    await post(server.url, ["stuck"], { from: "+7", to: "+777" });
    await post(server.url, ["well"], { from: "+8", to: "+777" });
    await post(server.url, behind, { from: "+7", to: "+777" });
    await until("all are put aside", async () => (await shown("slow")).put_aside === 120);
    const rows = cells(await deliveries("failures", "slow", "--limit", "110", "--from", "+7"));
    expect(rows.length).toBe(111);
    expect(rows[1]?.slice(1, 4)).toEqual(["waiting", "1", "status 422"]);
    expect(rows[1]?.[5]).toMatch(/^in \d+ (h|min)$/);
    expect(rows[110]?.slice(1)).toEqual([
      "waiting",
      "0",
      "-",
      "-",
      "behind another one",
      "message behind-108",
    ]);
    expect(lines(await deliveries("failures", "slow", "--limit", "500", "--json")).length).toBe(120);
  });

  test("a destination is forgotten once it isn't in the file any more", async () => {
    expect((await deliveries("delete", "slow")).stderr).toBe(
      "postern: slow: it is in the configuration file: take it out first\n",
    );
    const kept = readFileSync(config, "utf8");
    writeFileSync(config, kept.slice(0, kept.indexOf("  slow:")));
    server.signal("SIGHUP");
    await until("it is inactive", async () => (await shown("slow")).state === "inactive");
    expect((await deliveries("probe", "slow")).stdout).toMatch(
      /^the destination slow is not in the service's/,
    );
    expect((await deliveries("delete", "slow")).stdout).toBe("deleted: destination slow\n");
    expect((await deliveries("delete", "slow")).stderr).toMatch(/there is no destination slow/);
  });

  test.each([
    ["a name that is none", ["show", "nobody"], 1, /there is no destination nobody: postern deliveries list/],
    ["failures of nobody", ["failures", "nobody"], 1, /there is no destination nobody/],
    ["a retry of nobody", ["retry", "nobody", "--all"], 1, /there is no destination nobody/],
    ["a pause of nobody", ["pause", "nobody"], 1, /there is no destination nobody/],
    ["a state that is none", ["failures", "app", "--state", "alive"], 2, /waiting, dead/],
    ["a cause that is none", ["retry", "app", "--cause", "timout"], 2, /refused, reset, timeout/],
    ["a position that is none", ["drop", "app", "--position", "first"], 2, /It takes positions/],
    ["a limit that is none", ["failures", "app", "--limit", "0"], 2, /1 to 10000/],
    ["no service", ["list", "--url", "http://127.0.0.1:1"], 1, /no answer from http:\/\/127\.0\.0\.1:1 /],
  ])("what can't be done is one line and its exit code: %s", async (_, args, code, words) => {
    const ran = await deliveries(...args);
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code, stdout: "" });
    expect(ran.stderr).toMatch(ONE_LINE);
    expect(ran.stderr).toMatch(words);
  });
});

describe("a sample", () => {
  let folder: Folder;
  let receiver: Receiver;
  beforeEach(async () => {
    folder = newFolder();
    receiver = await newReceiver({ secrets: [SECRET] });
  });
  afterEach(async () => {
    await receiver.close();
    folder.remove();
  });

  const sample = (text: string, ...flags: string[]) => {
    const config = join(folder.path, "postern.yaml");
    writeFileSync(config, `destinations:\n  app:\n${text}`);
    return postern(["deliveries", "test", "app", "--config", config, ...flags]);
  };
  const hooks = () => `${receiver.url}/hooks/very-secret?token=very-secret`;

  test("is sent once, signed by each secret, to the URL of the file, and no message", async () => {
    const ran = await sample(destination(hooks()));
    const [received] = receiver.received;
    expect(receiver.received.length).toBe(1);
    expect(received).toMatchObject({
      isVerified: true,
      attempt: 1,
      path: "/hooks/very-secret?token=very-secret",
    });
    expect(JSON.parse(received?.body ?? "")).toMatchObject({ type: "postern.test" });
    expect(ran).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        /^sent: evt_[0-9a-f]{32} \(postern\.test\) to http:\/\/127\.0\.0\.1:\d+\ndelivered: answered 200 within \d+ ms/,
      ),
      stderr: "",
    });
    expect(ran.stdout).toContain(`sent: ${received?.id} `);
    await sample(destination(hooks()));
    expect(receiver.received[1]?.id).not.toBe(received?.id);
  });

  test.each([
    [answers(401, {}, "bad signature"), /answered 401/, /said: bad signature\nwhat to do: .*same secret/],
    [answers(404, {}, ""), /answered 404 within \d+ ms\nwhat/, /path of url/],
    [answers(410, {}, ""), /answered 410/, /would pause it/],
    [answers(413, {}, ""), /answered 413/, /raise the limit/],
    [
      answers(429, { "Retry-After": "7" }, ""),
      /answered 429/,
      /left alone for 7 s\nwhat to do: .*lower rate/,
    ],
    [answers(400, {}, ""), /answered 400/, /answer 2xx to types/],
    [answers(500, {}, "\x1b[31mtrace"), /answered 500/, /said: \\u001b\[31mtrace\nwhat to do: .*log/],
    [answers(503, {}, ""), /answered 503/, /look whether it runs/],
    [answers(302, { Location: "/login" }, ""), /answered 302/, /said: to \/login\nwhat.*never followed/],
    [closes, /ms: reset: /, /without an answer/],
    [hangs, /ms: timeout: no answer within 1000 ms\n/, /answer first and work afterwards/],
  ] as [Behaviour, RegExp, RegExp][])(
    "that isn't taken is explained, with what to do (%#)",
    async (behaviour, answered, advice) => {
      receiver.behave(behaviour);
      const timeout = behaviour === hangs ? "1s" : "30s";
      const ran = await sample(destination(hooks(), `    timeout: ${timeout}\n`));
      expect([ran.code, ran.stderr]).toEqual([1, ""]);
      expect(ran.stdout).toMatch(answered);
      expect(ran.stdout).toMatch(advice);
      expect(ran.stdout).not.toContain("very-secret");
      expect(ran.stdout).not.toContain(SECRET);
    },
  );

  test("that reaches nobody, or may not go there, says so", async () => {
    const nobody = await sample(destination("http://127.0.0.1:1"));
    expect(nobody.stdout).toMatch(/ms: refused: .*\nwhat to do: start the application/s);
    const name = await sample(destination("http://nowhere.invalid"));
    expect(name.stdout).toMatch(/ms: dns: .*\nwhat to do: check the host/s);
    const plain = await sample(destination(receiver.url.replace("http:", "https:")));
    expect(plain.stdout).toMatch(/ms: tls: .*\nwhat to do: check that the certificate/s);
    expect([nobody.code, name.code, plain.code]).toEqual([1, 1, 1]);
  });

  test("can be read by a program", async () => {
    receiver.behave(answers(500, {}, "no"));
    const { code, stdout } = await sample(destination(hooks()), "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      ...{ destination: "app", webhook_id: receiver.received[0]?.id, delivered: false },
      ...{ status: 500, cause: "status", excerpt: "no", ms: expect.any(Number) },
    });
  });

  test.each([
    ["a destination that isn't in the file", ["nobody"], /has no destination "nobody": it has app\n/],
    ["no file", ["app"], /which file\? Say it by --config FILE or POSTERN_CONFIG/],
  ])("that can't be sent is one line and exit code 2: %s", async (_, [name = ""], words) => {
    const config = join(folder.path, "postern.yaml");
    writeFileSync(config, `destinations:\n  app:\n${destination(hooks())}`);
    const flags = name === "nobody" ? ["--config", config] : [];
    const ran = await postern(["deliveries", "test", name, ...flags]);
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 2, stdout: "" });
    expect(ran.stderr).toMatch(ONE_LINE);
    expect(ran.stderr).toMatch(words);
  });
});
