/** `postern consumers` beside a service. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { post } from "./followers.ts";
import { newServer, postern, type Server } from "./postern.ts";

let server: Server;
beforeAll(async () => {
  server = await newServer();
  await post(server.url, ["a", "b", "c"]);
});
afterAll(() => server.stop());

const consumers = (...args: string[]) => postern(["consumers", ...args], { env: server.env });
const ofService = async (name: string) => {
  const answer = await fetch(`${server.url}/consumers/${name}`);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

test("no consumers are an empty list", async () => {
  expect(await consumers("list")).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("a consumer is made, listed, moved and deleted", async () => {
  const made = await consumers("create", "crm", "--kinds", "status,message", "--from", "+919876543210");
  expect(made).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^made: consumer crm, at \w+\.0\n$/),
    stderr: "",
  });
  expect((await ofService("crm")).body).toMatchObject({
    kinds: ["message", "status"],
    from: "+919876543210",
  });
  const again = await consumers("create", "crm", "--kinds", "message,status", "--from", "+919876543210");
  expect([again.code, again.stdout]).toEqual([
    0,
    expect.stringMatching(/^the consumer crm is there already, at /),
  ]);

  await consumers("create", "end", "--start", "now", "--source", "native", "--to", "+2");
  const { stdout } = await consumers("list");
  // How wide a column is depends on how long ago something was.
  const cells = stdout.split("\n").map((line) => line.replace(/\d+ \w+ ago/, "… ago").split(/ {2,}/));
  expect(cells).toEqual([
    ["NAME", "BEHIND BY", "OLDEST", "ACKNOWLEDGED", "KINDS", "FILTER"],
    ["crm", "3 records", "… ago", "never", "message,status", "from=+919876543210"],
    ["end", "0 records", "-", "never", "message", "source=native to=+2"],
    [""],
  ]);
  const listed = await consumers("list", "--json");
  expect(
    listed.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).name),
  ).toEqual(["crm", "end"]);

  const moved = await consumers("seek", "crm", "now");
  expect(moved).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^moved: consumer crm, to \w+\.3\n$/),
    stderr: "",
  });
  expect((await ofService("crm")).body).toMatchObject({ lag_records: 0 });
  await consumers("seek", "crm", "1h");
  expect((await ofService("crm")).body).toMatchObject({ lag_records: 3 });
  const back = await consumers("seek", "crm", "start", "--json");
  expect(JSON.parse(back.stdout)).toEqual({ position: expect.stringMatching(/\.0$/) });

  expect(await consumers("delete", "crm")).toEqual({
    code: 0,
    stdout: "deleted: consumer crm\n",
    stderr: "",
  });
  expect((await ofService("crm")).status).toBe(404);
});

describe("what can't be done is one line and its exit code:", () => {
  test.each([
    [
      "a consumer with another filter",
      ["create", "twice", "--from", "+1"],
      1,
      /^postern: twice: .*another filter\n$/,
    ],
    [
      "a position that doesn't hold",
      ["create", "lost", "--start", "abc.7"],
      1,
      /^postern: lost: .*doesn't hold/,
    ],
    ["a move to one", ["seek", "twice", "abc.7"], 1, /409 the position doesn't hold/],
    ["a move of nobody", ["seek", "nobody", "now"], 1, /^postern: there is no consumer nobody\n$/],
    ["nobody deleted", ["delete", "nobody"], 1, /^postern: there is no consumer nobody\n$/],
    ["a name that is none", ["create", "No Name"], 2, /^postern: name: A name is/],
    ["a place that is none", ["seek", "twice", "yesterday"], 2, /It takes a time/],
    ["a kind that is none", ["create", "x", "--kinds", "rumour"], 2, /message,status/],
    ["a command that is none", ["make", "x"], 2, /unknown command/],
    ["no service", ["list", "--url", "http://127.0.0.1:1"], 1, /no answer from http:\/\/127\.0\.0\.1:1 /],
  ])("what can't be done is one line and its exit code: %s", async (_, args, code, words) => {
    await consumers("create", "twice", "--start", "now");
    const ran = await consumers(...args);
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code, stdout: "" });
    expect(ran.stderr).toMatch(/^postern: [^\n]+\n$/);
    expect(ran.stderr).toMatch(words);
  });
});
