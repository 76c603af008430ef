/** What `postern serve` writes on a real terminal, and what stays as it is elsewhere. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { join } from "node:path";
import { sign } from "../../src/sources/native.ts";
import { type Folder, newFolder } from "../folder.ts";
import { freePort } from "../postgres/kept-process.ts";
import { PROGRAM } from "../program.ts";
import { until } from "../until.ts";
import { newServer, postern, SECRET, spawnPostern } from "./postern.ts";

let folder: Folder;
let databases = 0;
beforeAll(() => {
  folder = newFolder();
});
afterAll(() => folder.remove());

const running = new Set<Bun.Subprocess>();
afterEach(async () => {
  for (const child of running) child.kill("SIGTERM");
  await Promise.all([...running].map((child) => child.exited));
  running.clear();
});

/** Serves on a terminal of a hundred columns; `shown` is what the terminal was given so far. */
function serveOnTerminal(env: Record<string, string> = {}, flags: readonly string[] = []) {
  let shown = "";
  const decoder = new TextDecoder();
  const child = Bun.spawn([...PROGRAM, "serve", ...flags], {
    env: {
      ...{ PATH: process.env["PATH"] ?? "", TERM: "xterm-256color", WEBHOOK_SECRET: SECRET, PORT: "0" },
      ...{ DATABASE_URL: `sqlite:///${join(folder.path, `${++databases}.db`)}`, ...env },
    },
    terminal: {
      ...{ cols: 100, rows: 24 },
      data: (_terminal, data) => {
        shown += decoder.decode(data, { stream: true });
      },
    },
  });
  running.add(child);
  const text = () => Bun.stripANSI(shown);
  const port = () =>
    until("its port", () => {
      const [, found] = /listens at \S+?:(\d+)/.exec(text()) ?? [];
      return found === undefined || !text().includes("kept in") ? undefined : Number(found);
    });
  return { child, port, text, shown: () => shown };
}

/** As many bytes as are given, which no client of HTTP would send. */
function sendRaw(port: number, bytes: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.end(Buffer.from(bytes, "latin1")));
    socket.on("data", () => undefined).on("close", () => resolve());
    socket.on("error", reject);
  });
}

test("on a terminal a banner says what listens where, and its curl works when it is pasted", async () => {
  const config = join(folder.path, "postern.yaml");
  await Bun.write(config, "sources:\n  whatsapp:\n    kind: meta\n    secret: hush-meta\n");
  const { child, port, text } = serveOnTerminal({}, ["--config", config]);
  const at = await port();
  for (const line of [
    `dashboard   http://127.0.0.1:${at}/ui/  open: API_TOKEN is not set`,
    `webhooks    http://127.0.0.1:${at}/webhook  native`,
    `http://127.0.0.1:${at}/webhook/whatsapp  meta`,
    `sources in  ${config}`,
    "secret in   the environment variable WEBHOOK_SECRET",
  ])
    expect(text()).toContain(line);
  const command = await until("the curl", () => /^curl .*'\r$/m.exec(text())?.[0]);
  const answers = () => Bun.spawnSync(["sh", "-c", command.trim()]).stdout.toString();
  expect([answers(), answers()]).toEqual(['{"status":"ok"}', '{"status":"ok"}']);
  await until("both requests", () => /POST \/webhook {2}duplicate {2}hello-1/.test(text()));
  expect(text()).toMatch(/^\d\d:\d\d:\d\d {2}200 {2} *[\d.]+ ms {2}POST \/webhook {2}ok {2}hello-1\r$/m);
  child.kill("SIGINT");
  expect(await child.exited).toBe(0);
  await until("its last line", () => /info +stopped\r\n$/.test(text()));
  expect(text()).not.toMatch(new RegExp(`hush|${SECRET}|\\{"timestamp`));
});

test("SIGHUP reads the configuration anew while there is a terminal, and a closed one ends the service", async () => {
  const config = join(folder.path, "hung-up.yaml");
  await Bun.write(config, "sources: {}\n");
  const { child, port, text } = serveOnTerminal({}, ["--config", config]);
  await port();
  child.kill("SIGHUP");
  await until("the reload", () => text().includes("configuration reloaded"));
  child.terminal?.close();
  expect(await child.exited).toBe(0);
});

test("a secret's file and a second port are named", async () => {
  const file = join(folder.path, "secret");
  await Bun.write(file, SECRET);
  const readPort = freePort();
  const env = {
    WEBHOOK_SECRET: "",
    WEBHOOK_SECRET_FILE: file,
    READ_PORT: String(readPort),
    API_TOKEN: "hush",
  };
  const { port, text } = serveOnTerminal(env);
  await port();
  await until("the whole banner", () => text().includes("curl "));
  expect(text()).toContain(`secret in  ${file}`);
  expect(text()).toContain(`for reads at 127.0.0.1:${readPort}`);
  expect(text()).toContain(`http://127.0.0.1:${readPort}/ui/  sign in with API_TOKEN`);
  expect(text()).not.toContain("hush");
});

test.each([
  ["is coloured", {}, true],
  ["has no colours with NO_COLOR", { NO_COLOR: "1" }, false],
])("a terminal %s", async (_, env: Record<string, string>, isColoured) => {
  const { port, shown, text } = serveOnTerminal(env);
  await fetch(`http://127.0.0.1:${await port()}/nowhere`);
  await until("a line", () => text().includes("GET  /nowhere"));
  expect(shown() !== text()).toBe(isColoured);
});

test("what a stranger sends can't colour, move or break the lines of a terminal", async () => {
  const { port, shown, text } = serveOnTerminal({ NO_COLOR: "1" });
  const at = await port();
  const before = shown().length;
  for (const path of [
    "/a\x9b31mred",
    "/b\u00c2\u009b2J",
    "/c\u00e2\u0080\u00aeevil",
    "/d%1b[2J%0d%0a12:00:00",
  ])
    await sendRaw(
      at,
      `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Request-ID: \x1b[31m\r\nConnection: close\r\n\r\n`,
    );
  const body = JSON.stringify({
    ...{ message_id: "m\x1b[2J\x9b31m\u202e\r\nfake", from: "+1", to: "+2", ts: "2025-01-15T10:00:00Z" },
  });
  const headers = { "X-Signature": sign(SECRET, Buffer.from(body)) };
  await fetch(`http://127.0.0.1:${at}/webhook`, { method: "POST", headers, body });
  await fetch(`http://127.0.0.1:${at}/end`);
  await until("the last line", () => text().includes("GET  /end"));
  const lines = shown().slice(before).split("\r\n");
  expect(lines.join()).toContain("ok  m\\u001b[2J\\u009b31m\\u202e\\u000d\\u000afake");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones that are meant
  for (const line of lines) expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e]/);
  for (const line of lines.filter((each) => each !== ""))
    expect(line).toMatch(/^\d\d:\d\d:\d\d {2}\d{3} |^curl |^$|^ {2}/);
});

test("under load a terminal gets a few lines and how many more there were", async () => {
  const { port, text } = serveOnTerminal();
  const at = await port();
  const count = 300;
  await Promise.all(Array.from({ length: count }, () => fetch(`http://127.0.0.1:${at}/health/live`)));
  const total = () => {
    const summed = [...text().matchAll(/… and (\d+) more requests?: 200 ×\d+/g)];
    return text().split("GET  /health/live").length - 1 + summed.reduce((sum, [, n]) => sum + Number(n), 0);
  };
  await until("all of them", () => total() === count);
  expect(text().split("GET  /health/live").length - 1).toBeLessThan(count);
});

test("LOG_FORMAT decides: JSON on a terminal, lines for people elsewhere", async () => {
  const { child, shown } = serveOnTerminal({ LOG_FORMAT: "json" });
  const line = await until("a line", () => /^\{.*"message":"listening".*\}\r\n/.exec(shown())?.[0]);
  expect(JSON.parse(line)).toMatchObject({ level: "INFO", host: "127.0.0.1" });
  child.kill("SIGTERM");
  await child.exited;
  await until("its last line", () => /"message":"stopped".*\r\n$/.test(shown()));
  expect(shown()).toMatch(/^(\{.*\}\r\n)+$/);

  let text = "";
  const piped = Bun.spawn([...PROGRAM, "serve"], {
    env: {
      ...{ PATH: process.env["PATH"] ?? "", WEBHOOK_SECRET: SECRET, PORT: "0", LOG_FORMAT: "pretty" },
      DATABASE_URL: `sqlite:///${join(folder.path, "piped.db")}`,
    },
    stdout: "pipe",
  });
  running.add(piped);
  const reading = (async () => {
    for await (const chunk of piped.stdout) text += Buffer.from(chunk).toString();
  })();
  await until("the banner", () => text.includes("curl "));
  piped.kill("SIGTERM");
  await Promise.all([piped.exited, reading]);
  expect(text).toMatch(/info +stopped\n$/);
  expect(Bun.stripANSI(text)).toBe(text);
});

test("--first-message prints a message to try where there is no banner, once it listens", async () => {
  const file = join(folder.path, "first-secret");
  await Bun.write(file, SECRET);
  const settings = { WEBHOOK_SECRET_FILE: file, PORT: "0", DATABASE_URL: `sqlite:///${folder.path}/w.db` };
  const child = spawnPostern(["serve", "--first-message"], { env: settings });
  running.add(child);
  let said = "";
  for await (const chunk of child.stderr) {
    said += Buffer.from(chunk).toString();
    if (/curl .*\n/.test(said)) break;
  }
  const [first, second, command = ""] = said.split("\n");
  expect([first, second]).toEqual([
    `The webhook secret is in ${file}.`,
    "A first message, ready to paste into another terminal:",
  ]);
  expect(Bun.spawnSync(["sh", "-c", command]).stdout.toString()).toBe('{"status":"ok"}');
  child.kill("SIGTERM");
  expect((await child.stdout.text()).split("\n")[0]).toContain('"message":"listening"');

  const elsewhere = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("hello") });
  const taken = Number(elsewhere.port);
  const env = {
    WEBHOOK_SECRET: SECRET,
    PORT: String(taken),
    DATABASE_URL: `sqlite:///${folder.path}/x.db`,
  };
  const ran = await postern(["serve", "--first-message"], { env });
  await elsewhere.stop(true);
  expect(ran).toEqual({
    code: 1,
    stdout: "",
    stderr: `postern: can't listen on 127.0.0.1:${taken}: the port is in use. Set PORT to another one, such as PORT=${taken + 1}\n`,
  });
});

test("an address that isn't this machine's is HOST's fault", async () => {
  for (const host of ["192.0.2.1", "no-host.invalid"]) {
    const database = `sqlite:///${folder.path}/z.db`;
    const env = { WEBHOOK_SECRET: SECRET, PORT: "8000", HOST: host, DATABASE_URL: database };
    const { code, stderr } = await postern(["serve"], { env });
    expect([code, stderr]).toEqual([
      1,
      `postern: can't listen on ${host}:8000: HOST is no address of this machine\n`,
    ]);
  }
});

test("where another Postern has the port, that is said", async () => {
  const server = await newServer();
  const env = { ...server.env, DATABASE_URL: `sqlite:///${folder.path}/y.db` };
  const { code, stdout, stderr } = await postern(["serve"], { env });
  const second = await postern(["serve"], { env: { ...env, PORT: "0", READ_PORT: String(server.port) } });
  await server.stop();
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(
    /^postern: can't listen on 127\.0\.0\.1:\d+: Postern \S+ listens there\. Set PORT to /,
  );
  expect(second.stderr).toContain("Set READ_PORT to another one, such as READ_PORT=");
});
