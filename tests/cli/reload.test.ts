/**
 * The configuration file read anew, by SIGHUP and by `postern reload`, in a server that goes on
 * serving.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { closeSync, constants, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sign } from "../../src/sources/native.ts";
import { type Folder, newFolder } from "../folder.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { BIN, newServer, postern, SECRET, type Server } from "./postern.ts";

let folder: Folder;
let server: Server | undefined;
beforeEach(() => {
  folder = newFolder();
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  folder.remove();
});

/** Sources of kind slack. */
const slacks = (...names: string[]) =>
  names.length === 0
    ? "sources: {}\n"
    : `sources:\n${names.map((name) => `  ${name}: { kind: slack, secret: hunter2 }\n`).join("")}`;

function write(text: string): string {
  const path = join(folder.path, "postern.yaml");
  writeFileSync(path, text);
  return path;
}

async function serving(text: string, env: Record<string, string> = {}): Promise<Server> {
  server = await newServer({ flags: ["--config", write(text)], env });
  return server;
}

const told = ({ log }: Server, words: string) => log().filter((line) => line["message"] === words);
const reloads = (of: Server) => told(of, "configuration reloaded");
const refusals = (of: Server) => told(of, "configuration not reloaded");

async function hangUp(of: Server, written: (of: Server) => unknown[] = reloads): Promise<void> {
  const before = written(of).length;
  of.signal("SIGHUP");
  await until("the log line", () => written(of).length > before);
}

/** A reload of the server by the command. */
const reload = (of: Server, env: Record<string, string> = { API_TOKEN: "token" }) =>
  postern(["reload"], { env: { ...of.env, ...env } });

describe("SIGHUP", () => {
  test("SIGHUP reads the file and what it refers to anew, and logs how many sources there are", async () => {
    writeFileSync(join(folder.path, "secret"), "one\n");
    const of = await serving(slacks("a"));
    write("sources:\n  a: { kind: slack, secret: '${file:secret}' }\n  b: { kind: slack, secret: x }\n");
    await hangUp(of);
    expect(reloads(of)).toEqual([expect.objectContaining({ level: "INFO", sources: 2, destinations: 0 })]);
    writeFileSync(join(folder.path, "secret"), "\n");
    await hangUp(of, refusals);
    write(slacks());
    await hangUp(of);
    expect(reloads(of).map((line) => line["sources"])).toEqual([2, 0]);
  });

  test("SIGHUP with mistakes in the file writes one error line with their number and the first, without a secret", async () => {
    const of = await serving(slacks("a"));
    const path = write("sources:\n  a: { kind: slak, secret: hunter2 }\n  B: { kind: slack }\n");
    await hangUp(of, refusals);
    const [line, ...more] = of.log().filter(({ level }) => level !== "INFO");
    expect(more).toEqual([]);
    expect(line).toMatchObject({
      level: "ERROR",
      mistakes: 3,
      first: expect.stringContaining(`${path}:2:14: `),
    });
    expect(JSON.stringify(line)).not.toContain("hunter2");
    expect(reloads(of)).toEqual([]);
  });

  test("SIGHUP with the file gone is told too, and the next one counts again", async () => {
    const of = await serving(slacks("a"));
    folder.remove();
    await hangUp(of, refusals);
    expect(String(refusals(of)[0]?.["first"])).toContain("no such file");
    folder = newFolder();
  });

  test("SIGHUP never waits for a pipe, neither in place of a secret's file nor of the configuration's", async () => {
    const of = await serving(slacks("a"));
    const pipe = join(folder.path, "pipe");
    expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
    const path = write(`sources:\n  a: { kind: slack, secret: "\${file:${pipe}}" }\n`);
    await hangUp(of, refusals);
    rmSync(path);
    expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
    // With a writer that says nothing, it has no end.
    const writer = openSync(path, constants.O_RDWR);
    await hangUp(of, refusals);
    closeSync(writer);
    expect(refusals(of).map((line) => String(line["first"]))).toEqual([
      expect.stringContaining("2:29: sources.a.secret: the file"),
      expect.stringContaining("1:1: the file can't be read: it is no file, but a pipe"),
    ]);
    expect((await fetch(`${of.url}/health/live`)).status).toBe(200);
  });

  test("SIGHUP refuses a source of which every request would be answered with 500", async () => {
    const of = await serving(slacks("a"));
    write('sources:\n  a: { kind: generic, secret: x, scheme: { header: "X Bad", algorithm: token } }\n');
    await hangUp(of, refusals);
    expect(String(refusals(of)[0]?.["first"])).toContain(":2:52: sources.a.scheme.header: ");
    expect((await fetch(`${of.url}/webhook/a`, { method: "POST", body: "{}" })).status).toBe(401);
  });

  test("SIGHUP reaches the server through the npm package's command under Node too", async () => {
    server = await newServer({ flags: ["--config", write(slacks("a"))], command: ["node", BIN] });
    await hangUp(server);
    expect(reloads(server)).toHaveLength(1);
  });

  test("a SIGHUP that would leave nobody who may send is refused", async () => {
    const of = await serving(slacks("a"), { WEBHOOK_SECRET: "" });
    write(slacks());
    await hangUp(of, refusals);
    expect(String(refusals(of)[0]?.["first"])).toContain("WEBHOOK_SECRET");
  });

  test("SIGHUP again and again drops no request", async () => {
    const of = await serving(slacks("a"));
    const statuses: number[] = [];
    let sending = true;
    const sender = async (name: string) => {
      for (let number = 0; sending; number++) {
        const body = JSON.stringify(message(`${name}${number}`));
        const headers = { "X-Signature": sign(SECRET, body) };
        statuses.push((await fetch(`${of.url}/webhook`, { method: "POST", body, headers })).status);
      }
    };
    const senders = ["a", "b", "c", "d"].map(sender);
    for (let round = 0; round < 10; round++) {
      write(slacks(...Array.from({ length: 1 + (round % 3) }, (_, index) => `s${index}`)));
      await hangUp(of);
    }
    sending = false;
    await Promise.all(senders);
    expect(statuses.length).toBeGreaterThan(10);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect((await of.messages()).total).toBe(statuses.length);
  });

  test("many reloads at once are all answered, one after the other", async () => {
    const of = await serving(slacks("a"), { API_TOKEN: "token" });
    const asked = Array.from({ length: 8 }, () =>
      fetch(`${of.url}/admin/reload`, { method: "POST", headers: { Authorization: "Bearer token" } }),
    );
    const answers = await Promise.all(asked.map(async (each) => (await each).json()));
    expect(answers).toEqual(Array(8).fill({ status: "reloaded", sources: 1, destinations: 0 }));
    await until("eight lines", () => reloads(of).length === 8);
  });
});

test("who asked for a reload is in the log", async () => {
  const of = await serving(slacks("a"), { API_TOKEN: "token" });
  await hangUp(of);
  await reload(of);
  const asked = () => told(of, "reload asked for").map(({ level, how, client }) => [level, how, client]);
  await until("both lines", () => asked().length === 2);
  expect(asked()).toEqual([
    ["INFO", "SIGHUP", undefined],
    ["INFO", "POST", "127.0.0.1"],
  ]);
});

describe("without WEBHOOK_SECRET", () => {
  test("without WEBHOOK_SECRET a file with sources is served, and POST /webhook is 404", async () => {
    const of = await serving(slacks("a"), { WEBHOOK_SECRET: "" });
    expect((await fetch(`${of.url}/webhook`, { method: "POST", body: "{}" })).status).toBe(404);
    expect((await fetch(`${of.url}/health/ready`)).status).toBe(200);
  });
});

describe("postern reload", () => {
  test("postern reload prints how many sources and destinations are served now", async () => {
    const of = await serving(slacks("a"), { API_TOKEN: "token" });
    expect(await reload(of)).toEqual({ code: 0, stdout: "reloaded: 1 source, 0 destinations\n", stderr: "" });
    write(slacks("a", "b"));
    expect(await reload(of)).toEqual({
      code: 0,
      stdout: "reloaded: 2 sources, 0 destinations\n",
      stderr: "",
    });
  });

  test("postern reload prints every mistake and exits with 1", async () => {
    const of = await serving(slacks("a"), { API_TOKEN: "token" });
    write("sources:\n  a: { kind: slak, secret: hunter2 }\n  B: { kind: slack, secret: hunter2 }\n");
    const { code, stdout, stderr } = await reload(of);
    expect(code).toBe(1);
    expect(stdout.trim().split("\n")).toEqual([
      expect.stringMatching(/^2:14: sources\.a\.kind must be one of .*slack/),
      expect.stringMatching(/^3:3: the name of a source/),
    ]);
    expect(stderr).toMatch(/^postern: not reloaded: 2 mistakes [^\n]+\n$/);
    expect(stdout + stderr).not.toContain("hunter2");
  });

  test("the route of a reload answers mistakes in the shape of every 422", async () => {
    const of = await serving(slacks("a"), { API_TOKEN: "token" });
    write("sources:\n  a: { kind: slack }\n");
    const answer = await fetch(`${of.url}/admin/reload`, {
      method: "POST",
      headers: { Authorization: "Bearer token" },
    });
    const msg = expect.stringContaining("sources.a.secret is missing");
    expect([answer.status, await answer.json()]).toEqual([
      422,
      { detail: [{ type: "config_invalid", loc: ["config", "2:3"], msg, input: null }] },
    ]);
  });

  test("postern reload wants the token, and says what to do without one", async () => {
    const of = await serving(slacks("a"), { API_TOKEN: "token" });
    const none = await reload(of, {});
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("SIGHUP")]);
    const other = await reload(of, { API_TOKEN: "other" });
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("401")]);
  });

  test("postern reload is refused by a server without a token, and by one without a file", async () => {
    const of = await serving(slacks("a"));
    const unguarded = await reload(of);
    expect([unguarded.code, unguarded.stderr]).toEqual([1, expect.stringContaining("403")]);
    await of.stop();
    server = await newServer({ env: { API_TOKEN: "token" } });
    const fileless = await reload(server);
    expect([fileless.code, fileless.stderr]).toEqual([1, expect.stringMatching(/409 .*--config/)]);
  });

  test("postern reload says when nobody answers", async () => {
    const { code, stderr } = await postern(["reload", "--url", "http://127.0.0.1:1"], {
      env: { API_TOKEN: "t" },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^postern: no answer from http:\/\/127\.0\.0\.1:1\/admin\/reload: [^\n]+\n$/);
  });
});
