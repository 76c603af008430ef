/**
 * `postern deliveries replay`, `replays` and `stop` beside a service whose destination is paused.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newReceiver, type Receiver } from "../deliver/receiver.ts";
import { type Folder, newFolder } from "../folder.ts";
import { PROGRAM } from "../program.ts";
import { until } from "../until.ts";
import { post } from "./followers.ts";
import { newServer, postern, type Ran, type Server } from "./postern.ts";

const SECRET = "a secret of the destination";
const ONE_LINE = /^postern: [^\n]+\n$/;

let folder: Folder;
let receiver: Receiver;
let server: Server;
beforeAll(async () => {
  folder = newFolder();
  receiver = await newReceiver({ secrets: [SECRET] });
  const config = join(folder.path, "postern.yaml");
  const app = `    url: ${receiver.url}\n    secret: ${SECRET}\n    allow_private: true\n`;
  writeFileSync(config, `destinations:\n  app:\n${app}`);
  server = await newServer({ flags: ["--config", config] });
  await deliveries("pause", "app");
  await post(server.url, ["a", "b"], { from: "+1" });
  await post(server.url, ["c"], { from: "+2" });
});
afterAll(async () => {
  await server.stop();
  await receiver.close();
  folder.remove();
});

const deliveries = (...args: string[]) => postern(["deliveries", ...args], { env: server.env });
const lines = ({ stdout }: Ran) => stdout.split("\n").slice(0, -1);
const cells = (ran: Ran) => lines(ran).map((line) => line.split(/ {2,}/));
const listed = async () =>
  lines(await deliveries("replays", "app", "--json")).map((line) => JSON.parse(line));
const stopAll = async () => {
  for (const { id } of await listed()) await deliveries("stop", "app", id);
};

/** On a terminal, where this is typed once it asks; gives all that the terminal shows. */
async function onTerminal(
  args: readonly string[],
  typed: string,
  meanwhile: () => Promise<unknown> = async () => undefined,
) {
  let shown = "";
  const child = Bun.spawn([...PROGRAM, "deliveries", ...args], {
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...server.env },
    terminal: {
      data: (_, chunk) => {
        shown += Buffer.from(chunk).toString();
      },
    },
  });
  await until("the question", () => shown.includes("[y/N] "));
  await meanwhile();
  child.terminal?.write(typed);
  const code = await child.exited;
  return { code, shown: () => shown };
}

test("a dry run says how many records that are, and sends nothing", async () => {
  expect(await deliveries("replay", "app", "--after", "1h", "--dry-run")).toEqual({
    ...{ code: 0, stdout: "3 records, 1 s at 200/s: nothing is sent\n", stderr: "" },
  });
  const narrowed = ["--after", "start", "--until", "now", "--from", "+1", "--rate", "1/m", "--dry-run"];
  expect((await deliveries("replay", "app", ...narrowed)).stdout).toBe(
    "2 records, 2 min at 1/m: nothing is sent\n",
  );
  expect((await deliveries("replay", "app", "--after", "start", "--dry-run", "--json")).stdout).toBe(
    '{"records":3}\n',
  );
  expect(await deliveries("replay", "app", "--after", "start", "--source", "none", "--yes")).toEqual({
    ...{ code: 0, stdout: "0 records: nothing is sent\n", stderr: "" },
  });
  expect(await deliveries("replays", "app")).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("without a terminal nothing is sent unless --yes says so; then it is listed and can be stopped", async () => {
  const unsaid = await deliveries("replay", "app", "--after", "start");
  expect(unsaid).toEqual({
    ...{ code: 2, stdout: "", stderr: "postern: 3 records, 1 s at 200/s: say --yes to send them\n" },
  });
  expect(await listed()).toEqual([]);
  const flags = [
    "--after",
    "start",
    "--kinds",
    "message,status",
    "--from",
    "+1",
    "--rate",
    "50/s",
    "--new-ids",
  ];
  const begun = await deliveries("replay", "app", ...flags, "--yes");
  expect([begun.code, begun.stderr]).toEqual([0, "2 records, 1 s at 50/s\n"]);
  const id = /^begun: replay (r[pn]_[0-9a-f]{16}) of 2 records to app\n$/.exec(begun.stdout)?.[1] ?? "";
  const rows = cells(await deliveries("replays", "app"));
  expect(rows.map((row) => row.toSpliced(3, 1))).toEqual([
    ["ID", "DONE", "RATE", "KINDS", "FILTER"],
    [id, "0 of 2", "50/s", "message,status", "from=+1 new ids"],
  ]);
  expect(rows[1]?.[3]).toMatch(/^\d+ \w+ ago$/);
  expect(await listed()).toMatchObject([{ id, records: 2, kinds: ["message", "status"], from: "+1" }]);
  expect(await deliveries("stop", "app", id)).toEqual({
    ...{ code: 0, stdout: `stopped: replay ${id} to app\n`, stderr: "" },
  });
  expect(await deliveries("stop", "app", id)).toEqual({
    ...{ code: 1, stdout: "", stderr: "postern: app: there is no replay of this id\n" },
  });
});

test("what was counted is what is sent, though more is stored before the yes", async () => {
  await post(server.url, ["first"], { from: "+7" });
  const args = ["replay", "app", "--after", "start", "--from", "+7"];
  const { shown } = await onTerminal(args, "y\r", () => post(server.url, ["later"], { from: "+7" }));
  expect(shown()).toMatch(/^1 record, /);
  expect(await listed()).toMatchObject([{ records: 1, from: "+7" }]);
  await stopAll();
});

test("on a terminal it asks, and takes nothing but a yes for one", async () => {
  for (const typed of ["n\r", "\r", "yess\r", "\x04"]) {
    const { code, shown } = await onTerminal(["replay", "app", "--after", "start", "--until", "now"], typed);
    expect([typed, code]).toEqual([typed, 1]);
    await until("its last words", () => shown().includes("postern: nothing is sent"));
    expect(shown()).toMatch(/^\d records, 1 s at 200\/s: send them to app again\? \[y\/N\] /);
  }
  expect(await listed()).toEqual([]);
  for (const typed of ["y\r", "YES\r"]) {
    const { code, shown } = await onTerminal(["replay", "app", "--after", "start"], typed);
    expect(code).toBe(0);
    await until("its identifier", () =>
      /begun: replay r[pn]_[0-9a-f]{16} of \d records to app/.test(shown()),
    );
  }
  expect((await listed()).length).toBe(2);
  await stopAll();
});

test.each([
  ["no beginning", ["replay", "app"], 2, /--after <place>' not specified/],
  ["no place", ["replay", "app", "--after", "noon"], 2, /It takes a time such as 30s or 2h/],
  ["a rate that is none", ["replay", "app", "--after", "1h", "--rate", "50"], 2, /It takes a rate such as/],
  ["two wishes", ["replay", "app", "--after", "1h", "--dry-run", "--yes"], 2, /cannot be used with option/],
  [
    "an end before",
    ["replay", "app", "--after", "1h", "--until", "start"],
    2,
    /until: It takes a position, now/,
  ],
  ["another log", ["replay", "app", "--after", "5f0c1d9a03bb71c2.1"], 1, /app: the position doesn't hold/],
  ["nobody", ["replay", "nobody", "--after", "1h"], 1, /there is no destination nobody/],
  ["nobody's", ["replays", "nobody"], 1, /there is no destination nobody/],
  ["a replay of nobody's", ["stop", "nobody", "r"], 1, /nobody: there is no destination of this name/],
])("what can't be done is one line and its exit code: %s", async (_, args, code, words) => {
  const ran = await deliveries(...args);
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code, stdout: "" });
  expect(ran.stderr).toMatch(ONE_LINE);
  expect(ran.stderr).toMatch(words);
});
