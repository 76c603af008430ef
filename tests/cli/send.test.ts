/**
 * `postern send` against a real serving process: where messages come from, and what is told of
 * them.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { newServer, postern, type Ran, type Server } from "./postern.ts";

let server: Server;
beforeEach(async () => {
  server = await newServer();
});
afterEach(() => server.stop());

const send = (args: readonly string[], stdin?: string | Uint8Array): Promise<Ran> =>
  postern(["send", ...args], { env: server.env, ...(stdin !== undefined && { stdin }) });

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(server.folder, name);
  await Bun.write(path, content);
  return path;
}

const ids = async () => (await server.messages()).data.map(({ message_id }) => message_id);
const line = (id: string, more: object = {}) =>
  `${JSON.stringify({ message_id: id, from: "+1", to: "+2", ts: "2025-01-15T10:00:00Z", ...more })}\n`;

describe("one message", () => {
  test("a message is stored as the flags say", async () => {
    const message = {
      message_id: "m1",
      from: "+919876543210",
      to: "+14155550100",
      ts: "2025-01-15T10:00:00Z",
      text: "it's “ok” 😀\n$HOME",
    };
    const { message_id, from, to, ts, text } = message;
    const flags = ["--id", message_id, "--from", from, "--to", to, "--ts", ts, "--text", text];
    const { code, stdout, stderr } = await send(flags);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(
      /^1 message in [0-9.]+ s: [0-9]+ messages\/s\nnew 1, duplicate 0, refused 0, failed 0\n/,
    );
    expect(stdout).toMatch(/\nlatency p50 [0-9.]+ ms, p99 [0-9.]+ ms, max [0-9.]+ ms\n$/);
    expect((await server.messages()).data).toEqual([message]);
  });

  test("a message gets an identifier of its own and the present time, and no text", async () => {
    const before = new Date().toISOString();
    for (let count = 0; count < 2; count++) expect((await send(["--from", "+1", "--to", "+2"])).code).toBe(0);
    const { data } = await server.messages();
    expect(new Set(data.map(({ message_id }) => message_id)).size).toBe(2);
    for (const { ts, text } of data) {
      expect(text).toBeNull();
      expect(String(ts) >= before && String(ts) <= new Date().toISOString()).toBe(true);
    }
  });

  test("a message counts as duplicate the second time, and the exit code stays 0", async () => {
    const flags = ["--id", "m1", "--from", "+1", "--to", "+2"];
    expect((await send(flags)).stdout).toContain("new 1, duplicate 0,");
    const again = await send(flags);
    expect(again.code).toBe(0);
    expect(again.stdout).toContain("new 0, duplicate 1, refused 0, failed 0");
  });

  test("a message that breaks a rule is refused with status and detail on stderr and exit code 1", async () => {
    const { code, stdout, stderr } = await send(["--id", "m1", "--from", "91", "--to", "+2"]);
    expect(code).toBe(1);
    expect(stdout).toContain("new 0, duplicate 0, refused 1, failed 0");
    expect(stderr).toMatch(/^postern: m1 refused: 422 from: [^\n]+\n$/);
    expect((await server.messages()).total).toBe(0);
  });

  test("a message that is signed with another secret is refused, and no secret is printed", async () => {
    const env = { ...server.env, WEBHOOK_SECRET: "hush of another" };
    const ran = await postern(["send", "--id", "m1", "--from", "+1", "--to", "+2"], { env });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toBe(
      "postern: m1 refused: 401 invalid signature\n" +
        "postern: the service has another secret than WEBHOOK_SECRET here: send with the one that it was started with\n",
    );
    expect(ran.stdout + ran.stderr).not.toContain("hush");
  });

  test("a message is signed with the secret that a file holds", async () => {
    const { WEBHOOK_SECRET = "", ...env } = server.env;
    const path = await file("secret", `${WEBHOOK_SECRET}\n`);
    const ran = await postern(["send", "--from", "+1", "--to", "+2"], {
      env: { ...env, WEBHOOK_SECRET_FILE: path },
    });
    expect(ran.code).toBe(0);
  });

  test("a message goes to the address of --url", async () => {
    const env = { ...server.env, PORT: "1" };
    const ran = await postern(["send", "--from", "+1", "--to", "+2", "--url", `${server.url}/webhook`], {
      env,
    });
    expect(ran.code).toBe(0);
    expect((await server.messages()).total).toBe(1);
  });
});

describe("a table", () => {
  const MAP = [
    ["--map", "message_id=sms-{row:5}"],
    ["--map", "from=+9198765{row%400:5}"],
    ["--map", "to=+14155550100"],
    ["--map", "ts={time}"],
    ["--map", "text={SMS}"],
    ["--start", "2025-01-15T10:00:00Z"],
    ["--step", "60"],
  ].flat();

  test("a table of tabs is text as it stands: quotes, commas and backslashes mean nothing", async () => {
    const path = await file(
      "sms.tsv",
      'Label\tSMS\nham\t"Hi", she said\nspam\tWin £100 \\n now\r\nham\tlast "😀\n',
    );
    const { code, stdout } = await send(["--file", path, ...MAP]);
    expect(code).toBe(0);
    expect(stdout).toContain("new 3,");
    expect((await server.messages()).data).toEqual(
      [
        ["sms-00001", "+919876500001", "2025-01-15T10:00:00Z", '"Hi", she said'],
        ["sms-00002", "+919876500002", "2025-01-15T10:01:00Z", "Win £100 \\n now"],
        ["sms-00003", "+919876500003", "2025-01-15T10:02:00Z", 'last "😀'],
      ].map(([message_id = "", from = "", ts = "", text = ""]) => ({
        message_id,
        from,
        to: "+14155550100",
        ts,
        text,
      })),
    );
  });

  test("a table of commas has the quoting of RFC 4180, and columns of a field's name need no mapping", async () => {
    const csv = `\ufeffmessage_id,from,to,ts,text\r\nm1,+1,+2,2025-01-15T10:00:00Z,"a ""b"", c\nd"\r\nm2,+1,+2,2025-01-15T10:00:01Z,\r\n`;
    const { code } = await send(["--file", await file("m.csv", csv)]);
    expect(code).toBe(0);
    const { data } = await server.messages();
    expect(data.map(({ message_id, text }) => [message_id, text])).toEqual([
      ["m1", 'a "b", c\nd'],
      ["m2", ""],
    ]);
  });

  test("a table of thousands of rows arrives whole, and all of it is duplicate the second time", async () => {
    const rows = Array.from({ length: 3000 }, (_, index) => `ham\ttext ${index}`);
    const path = await file("sms.tsv", `Label\tSMS\n${rows.join("\n")}`);
    const first = await send(["--file", path, ...MAP, "--concurrency", "64"]);
    expect(first.stdout).toContain("new 3000, duplicate 0, refused 0, failed 0");
    const second = await send(["--file", path, ...MAP]);
    expect(second.stdout).toContain("new 0, duplicate 3000, refused 0, failed 0");
    expect([first.code, second.code]).toEqual([0, 0]);
    const { total, data } = await server.messages("limit=1&offset=2999");
    expect(total).toBe(3000);
    expect(data[0]).toMatchObject({
      message_id: "sms-03000",
      from: "+919876500200",
      ts: "2025-01-17T11:59:00Z",
    });
  });

  test("a table without a column that the mapping names is not begun", async () => {
    const { code, stdout, stderr } = await send([
      "--file",
      await file("x.tsv", "Label\tText\na\tb\n"),
      ...MAP,
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe('postern: --map text: there is no column "SMS"; the columns are "Label", "Text"\n');
  });

  test("a table that leaves a field unfilled is not begun", async () => {
    const { code, stderr } = await send(["--file", await file("x.csv", "message_id,text\nm1,b\n")]);
    expect(code).toBe(2);
    expect(stderr).toContain("from, to, ts");
  });

  test("a table sends the rows that fit and names those that don't", async () => {
    const { code, stdout, stderr } = await send([
      "--file",
      await file("x.tsv", "L\tSMS\na\tb\nc\nd\te\n"),
      ...MAP,
    ]);
    expect(code).toBe(1);
    expect(stdout).toContain("new 2, duplicate 0, refused 0, failed 1");
    expect(stderr).toBe("postern: row 2 failed: it has 1 columns, the header has 2\n");
  });

  test("a table whose quotes are broken is not read on, and the line is named", async () => {
    const { code, stderr } = await send([
      "--file",
      await file(
        "x.csv",
        `message_id,from,to,ts\nm1,+1,+2,2025-01-15T10:00:00Z\n"m2"x,+1,+2,2025-01-15T10:00:00Z\n`,
      ),
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^postern: the CSV can't be read: [^\n]+ line 3[^\n]*\n$/);
  });
});

describe("NDJSON", () => {
  test("NDJSON is posted line by line as it stands, from standard input too", async () => {
    const { code, stdout } = await send(
      ["--file", "-", "--format", "ndjson"],
      ` { "message_id":"m1" , "from":"+1","to":"+2","ts":"2025-01-15T10:00:00Z","extra":[1] }\n\n${line("m2", { text: "ü" })}`,
    );
    expect(code).toBe(0);
    expect(stdout).toContain("new 2,");
    expect(await ids()).toEqual(["m1", "m2"]);
  });

  test("NDJSON whose lines are nonsense is refused by the server, not by the client", async () => {
    const bytes = Buffer.concat([
      Buffer.from(`{"no":1}\nno json\n`),
      Buffer.from([0xff, 0xfe]),
      Buffer.from("\n[]\n"),
    ]);
    const { code, stdout, stderr } = await send(["--file", await file("x.ndjson", bytes)]);
    expect(code).toBe(1);
    expect(stdout).toContain("new 0, duplicate 0, refused 4, failed 0");
    expect(stderr.match(/^postern: line [1-4] refused: 422 /gm)).toHaveLength(4);
  });

  test("NDJSON may be mapped: values that are no text as JSON writes them, null and absent ones left out", async () => {
    const source = `{"n":7,"body":null,"who":"+1"}\n{"n":8,"body":"x","who":"+1"}\n{"who":"+1"}\n`;
    const map = ["message_id=m-{n}", "from={who}", "to=+2", "ts={time}", "text={body}"];
    const flags = [
      "--file",
      await file("x.jsonl", source),
      "--start",
      "2025-01-15T10:00:00.5Z",
      "--step",
      "0.25",
    ];
    const { code, stderr } = await send([...flags, ...map.flatMap((each) => ["--map", each])]);
    expect(code).toBe(1);
    expect(stderr).toBe('postern: line 3 failed: there is no "n"\n');
    const { data } = await server.messages();
    expect(data.map(({ message_id, ts, text }) => [message_id, ts, text])).toEqual([
      ["m-7", "2025-01-15T10:00:00.500Z", null],
      ["m-8", "2025-01-15T10:00:00.750Z", "x"],
    ]);
  });

  test("NDJSON reports only the first few of many refusals", async () => {
    const { stdout, stderr } = await send(["--file", "-", "--format", "ndjson"], "x\n".repeat(50));
    expect(stdout).toContain("refused 50");
    expect(stderr.trim().split("\n")).toHaveLength(6);
  });

  test("NDJSON of nothing sends nothing and is no failure", async () => {
    const { code, stdout } = await send(["--file", "-", "--format", "ndjson"], "");
    expect(code).toBe(0);
    expect(stdout).toContain("0 messages");
  });
});

describe("--dry-run", () => {
  const NASTY = `it's "x" \\ $HOME \`id\` %s ! 😀`;

  test("--dry-run prints commands that a shell runs as they are, and sends nothing itself", async () => {
    const nasty = line("m'1", { text: NASTY }) + line("m2", { text: "x".repeat(4000) });
    const { code, stdout, stderr } = await send(["--file", "-", "--format", "ndjson", "--dry-run"], nasty);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect((await server.messages()).total).toBe(0);
    const shell = await postern([], { command: ["sh"], stdin: stdout });
    expect(shell).toEqual({ code: 0, stdout: '{"status":"ok"}'.repeat(2), stderr: "" });
    expect((await server.messages()).data).toEqual([
      { message_id: "m'1", from: "+1", to: "+2", ts: "2025-01-15T10:00:00Z", text: NASTY },
      { message_id: "m2", from: "+1", to: "+2", ts: "2025-01-15T10:00:00Z", text: "x".repeat(4000) },
    ]);
  });

  test("--dry-run keeps bytes that are no UTF-8, bodies that begin with @ and bodies longer than an argument may be", async () => {
    const long = line("long", { padding: "x".repeat(300_000) });
    const stdin = Buffer.concat([Buffer.from([0xff, 0xfe, 10]), Buffer.from(`@/etc/hostname\n${long}`)]);
    const { stdout } = await send(["--file", "-", "--format", "ndjson", "--dry-run"], stdin);
    // Were a byte another one, the signature would not hold: 401.
    const env = { ...server.env, WEBHOOK_SECRET: "unused" };
    const child = Bun.spawn(["sh"], { stdin: await latin1Of(["--dry-run"], stdin), stdout: "pipe", env });
    const answers = await child.stdout.text();
    expect(answers).toContain("valid UTF-8");
    expect(answers).toContain("@/etc/hostname");
    expect(answers).toEndWith('{"status":"ok"}');
    expect(stdout).toContain("printf %s ");
    expect(await ids()).toEqual(["long"]);
  });

  test("--dry-run never prints the secret and names the address it was given", async () => {
    const url = "https://example.org/webhook?a=b&c='d'";
    const { stdout } = await send(["--from", "+1", "--to", "+2", "--dry-run", "--url", url]);
    expect(stdout).toMatch(/-H 'X-Signature: [0-9a-f]{64}'/);
    expect(stdout).toContain("https://example.org/webhook?a=b&c=");
    expect(stdout).not.toContain(String(server.env["WEBHOOK_SECRET"]));
  });

  test("--dry-run ends quietly when nobody reads on", async () => {
    const path = await file("x.ndjson", line("m1").repeat(20_000));
    const { execPath } = process;
    const script = `"${execPath}" src/main.ts send --file "${path}" --dry-run | head -n 1 | cut -c 1-4`;
    const ran = await postern([], { command: ["sh", "-c", script], env: server.env });
    expect(ran).toEqual({ code: 0, stdout: "curl\n", stderr: "" });
  });

  /** What the command prints, byte for byte. */
  async function latin1Of(flags: readonly string[], stdin: Uint8Array): Promise<Blob> {
    const child = Bun.spawn(
      [process.execPath, "src/main.ts", "send", "--file", "-", "--format", "ndjson", ...flags],
      {
        env: { PATH: String(process.env["PATH"]), ...server.env },
        stdin: new Blob([stdin as Uint8Array<ArrayBuffer>]),
        stdout: "pipe",
      },
    );
    return child.stdout.blob();
  }
});
