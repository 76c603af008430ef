/** `postern check-config --explain NAME`: what a source of each kind will do, without a secret. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Folder, newFolder } from "../folder.ts";
import { postern } from "./postern.ts";
import { holdsSecret, PROVIDERS, writeProviders } from "./providers.ts";

let folder: Folder;
let config: string;
beforeAll(async () => {
  folder = newFolder();
  config = await writeProviders(folder.path);
});
afterAll(() => folder.remove());

const explain = (name: string) => postern(["check-config", "--config", config, "--explain", name]);

test.each(Object.entries(PROVIDERS))("the source %s is explained, topic by topic", async (name, { kind }) => {
  const { code, stdout, stderr } = await explain(name);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(holdsSecret(stdout)).toBe(false);
  const topics = stdout.split("\n").flatMap((line) => /^[a-z]+/.exec(line) ?? []);
  expect(topics.filter((topic) => topic !== "url" && topic !== "signed")).toEqual([
    ...[
      "source",
      "proof",
      "secret",
      "covers",
      "replay",
      "handshake",
      "message",
      "event",
      "headers",
      "answer",
    ],
  ]);
  expect(stdout).toContain(`${name} (${kind}`);
  expect(stdout).toContain(`at /webhook/${name}\n`);
});

test("a scheme and a map of one's own are said in their own words", async () => {
  const { stdout } = await explain("own");
  expect(stdout).toBe(
    [
      "source     own (generic), at /webhook/own",
      "proof      HMAC-SHA512 in the header X-Own",
      "signed     {body}",
      "secret     1 secret",
      "covers     every byte of the body",
      "replay     the same again is a duplicate, at any time",
      "handshake  none",
      "message    bodies: message_id message_id, from from, to to, ts ts, text text",
      "event      everything else: other",
      "           key where nothing says one: the hash of its bytes",
      "headers    content-type, user-agent are kept",
      'answer     200 application/json {"status":"ok"}',
      "           401 to what proves nothing",
      "",
    ].join("\n"),
  );
});

test("what a preset says is told with what the source says beside it", async () => {
  const { stdout } = await explain("standard");
  expect(stdout).toContain("source     standard (generic, preset standard-webhooks)");
  expect(stdout).toContain("replay     refused when its time is more than 300 s from now");
  expect(stdout).toContain("headers    content-type, user-agent, webhook-id, webhook-timestamp, svix-id");
});

test("a handshake says by what it is known and what it is answered", async () => {
  expect((await explain("whatsapp")).stdout).toContain(
    "handshake  GET with hub.verify_token: its hub.challenge\n",
  );
});

test("a source that the file hasn't is a mistake, and so is a file that can't be used", async () => {
  const unknown = await explain("nobody");
  expect({ code: unknown.code, stdout: unknown.stdout }).toEqual({ code: 2, stdout: "" });
  expect(unknown.stderr).toStartWith(`postern: ${config} has no source "nobody"`);
  const missing = await postern(["check-config", "--config", "/nowhere.yaml", "--explain", "own"]);
  expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("/nowhere.yaml:1:1: ")]);
});
