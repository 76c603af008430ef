/** What every command has: help with an example, one line for a mistake, and exit codes. */
import { describe, expect, test } from "bun:test";
import { MAIN, postern } from "./postern.ts";

const COMMANDS = [
  "serve",
  "tail",
  "consumers",
  "deliveries",
  "send",
  "verify",
  "import",
  "export",
  "healthcheck",
  "openapi",
  "check-config",
  "config-schema",
  "presets",
  "reload",
];
const LINE = /^postern: [^\n]+\n$/;

describe("help", () => {
  test("help of postern names every command", async () => {
    const { code, stdout, stderr } = await postern(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const command of COMMANDS) expect(stdout).toContain(`\n  ${command} `);
    expect(stdout).toMatch(/Example:\n {2}\$ .*postern /);
  });

  test.each(COMMANDS)("help of %s has an example", async (command) => {
    const { code, stdout, stderr } = await postern([command, "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toStartWith(`Usage: postern ${command}`);
    expect(stdout).toMatch(new RegExp(`\n {2}\\$ .*postern ${command}`));
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(84);
  });

  test("help without a command goes to stderr and exits with 2", async () => {
    const { code, stdout, stderr } = await postern([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toStartWith("Usage: postern");
  });

  test("help ends quietly when nobody reads it", async () => {
    const command = ["sh", "-c", `"${process.execPath}" "${MAIN}" --help | true; echo done`];
    expect(await postern([], { command })).toEqual({ code: 0, stdout: "done\n", stderr: "" });
  });
});

test("--version prints the version of the package", async () => {
  const { version } = await Bun.file("package.json").json();
  expect(await postern(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

describe("a mistake is one line on stderr and exit code 2:", () => {
  const one = ["send", "--from", "+1", "--to", "+2"];
  test.each([
    ["an unknown command", ["sned"], /sned/],
    ["an unknown flag", ["serve", "--prot", "1"], /--prot/],
    ["a flag of another command", ["export", "--file", "x"], /--file/],
    ["a flag without its value", ["send", "--id"], /--id/],
    ["an argument too many", ["openapi", "x"], /too many/],
    ["an argument missing", ["import"], /file/],
    ["a file that is not there", ["import", "/nowhere/x.ndjson"], /no such file/],
    ["a folder for a file", ["import", "/tmp"], /folder/],
    ["a folder that is not there", ["export", "--output", "/nowhere/x"], /nowhere/],
    ["a number that is none", ["send", "--concurrency", "many"], /1 to 256/],
    ["a number beyond the limit", ["send", "--concurrency", "257"], /1 to 256/],
    ["an address that is none", ["healthcheck", "--url", "ftp://x"], /http/],
    ["a format that is none", ["send", "--file", "x", "--format", "xml"], /ndjson/],
    ["a format that nothing tells", ["send", "--file", "-"], /--format/],
    ["neither a message nor a file", ["send"], /--from/],
    ["a message and a file", ["send", "--from", "+1", "--file", "x"], /--file/],
    ["a mapping for one message", [...one, "--map", "text=x"], /--file/],
    ["a mapping of an unknown field", ["send", "--file", "x.csv", "--map", "body=x"], /message_id/],
    ["a mapping without =", ["send", "--file", "x.csv", "--map", "text"], /FIELD=TEMPLATE/],
    ["a template with a lone brace", ["send", "--file", "x.csv", "--map", "text={"], /lone/],
    ["a start that is no instant", ["send", "--file", "x.csv", "--start", "yesterday"], /instant/],
    ["a step that is no number", ["send", "--file", "x.csv", "--step", "1m"], /seconds/],
    ["a seq that is no number", ["export", "--since-seq", "-1"], /whole number/],
    ["a place in the log that is none", ["tail", "--since", "2 hours"], /2h/],
    ["last ones and a beginning", ["tail", "-n", "5", "--since", "2h"], /--since/],
    ["last ones of a consumer", ["tail", "-n", "5", "--consumer", "x"], /--consumer/],
    ["a secret for nobody", ["tail", "--secret", "s"], /--forward/],
    ["an empty secret", ["tail", "--forward", "http://localhost", "--secret", ""], /empty/],
    ["a kind that is none", ["export", "--kinds", "message,rumour"], /all, or some of message,status/],
    ["an instant that is none", ["export", "--since", "yesterday"], /instant/],
    ["a date that is none", ["export", "--until", "2025-02-29T00:00:00Z"], /instant/],
    ["a format of other commands", ["export", "--format", "tsv"], /csv/],
  ])("a mistake is one line on stderr and exit code 2: %s", async (_, args, words) => {
    const env = { WEBHOOK_SECRET: "s", DATABASE_URL: "sqlite:////nowhere/at-all.db" };
    const { code, stdout, stderr } = await postern(args, { env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(LINE);
    expect(stderr).toMatch(words);
  });
});

test.each([[["import", "-"]], [["doctor"]], [["doctor", "--rebuild"]]])(
  "%j on a PostgreSQL server is one line without the password, and exit code 2",
  async (args) => {
    const env = { DATABASE_URL: "postgres://user:hunter2@127.0.0.1:1/postern" };
    const { code, stdout, stderr } = await postern(args, { env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(
      `postern: ${args[0]} works on a SQLite file, and DATABASE_URL names a PostgreSQL server\n`,
    );
  },
);

describe("a start that is refused is one line on stderr and exit code 1:", () => {
  test.each([
    ["serving without a secret", ["serve"], {}, /WEBHOOK_SECRET/],
    ["a bad setting", ["serve"], { WEBHOOK_SECRET: "s", PORT: "x" }, /PORT/],
    ["sending without a secret", ["send", "--from", "+1", "--to", "+2"], {}, /WEBHOOK_SECRET/],
    ["a database that is not there", ["export"], { DATABASE_URL: "sqlite:////nowhere/x.db" }, /nowhere/],
  ])(
    "a start that is refused is one line on stderr and exit code 1: %s",
    async (_, args, env: Record<string, string>, words) => {
      const { code, stdout, stderr } = await postern(args, { env });
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(LINE);
      expect(stderr).toMatch(words);
    },
  );
});

test("openapi prints the document, without any setting", async () => {
  const { code, stdout, stderr } = await postern(["openapi"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { openapi, paths } = JSON.parse(stdout);
  expect(openapi).toStartWith("3.1");
  expect(paths).toHaveProperty(["/messages/{message_id}"]);
});
