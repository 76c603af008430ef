/** Every provider against the real service: what `send --source` sends is stored once. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Folder, newFolder } from "../folder.ts";
import { newServer, postern, type Server } from "./postern.ts";
import { holdsSecret, PROVIDERS, writeProviders } from "./providers.ts";

let folder: Folder;
let server: Server;
beforeAll(async () => {
  folder = newFolder();
  server = await newServer({ env: { POSTERN_CONFIG: await writeProviders(folder.path) } });
});
afterAll(async () => {
  await server.stop();
  folder.remove();
});

const FLAGS = ["--from", "+919876543210", "--to", "+14155550100", "--ts", "2025-01-15T10:00:00Z"];
const NAMES = Object.keys(PROVIDERS);
const env = () => ({ PORT: String(server.port), POSTERN_CONFIG: `${folder.path}/postern.yaml` });
const eventsOf = async (source: string) => {
  const answer = await fetch(`${server.url}/events?source=${source}`);
  return ((await answer.json()) as { data: readonly unknown[] }).data;
};
const messagesOf = async (source: string) =>
  (await server.messages()).data.filter(({ message_id }) => message_id?.startsWith(`${source}:`));

test.each(NAMES)("what %s's provider would send is stored, once", async (name) => {
  const flags = ["send", "--source", name, "--id", "m1", "--text", "it's ok 😀", ...FLAGS];
  for (const counts of [
    "new 1, duplicate 0, refused 0, failed 0",
    "new 0, duplicate 1, refused 0, failed 0",
  ]) {
    const { code, stdout, stderr } = await postern(flags, { env: env() });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(counts);
    expect(holdsSecret(stdout)).toBe(false);
  }
  const messages = await messagesOf(name);
  const events = await eventsOf(name);
  expect(messages.length + events.length).toBe(1);
  for (const { text } of messages) expect(text).toBe("it's ok 😀");
});

test("many messages at once are stored whole, each once", async () => {
  const rows = Array.from({ length: 500 }, (_, index) => `${index}\ttext ${index}`);
  const map = [
    "message_id=t-{row}",
    "from=+9198765{row%400:5}",
    "to=+14155550100",
    "ts={time}",
    "text={SMS}",
  ];
  const flags = [
    ...["send", "--source", "whatsapp", "--file", "-", "--format", "tsv", "--start", "2025-01-15T10:00:00Z"],
    ...map.flatMap((each) => ["--map", each]),
  ];
  const stdin = `Label\tSMS\n${rows.join("\n")}\n`;
  expect((await postern(flags, { env: env(), stdin })).stdout).toContain("new 500, duplicate 0,");
  expect((await postern(flags, { env: env(), stdin })).stdout).toContain("new 0, duplicate 500,");
});

test("a secret that the service doesn't have is refused, in the provider's way", async () => {
  const other = newFolder();
  const sms = { ...PROVIDERS["sms"], kind: "twilio", secret: "hush-another" };
  const path = await writeProviders(other.path, { sms });
  const ran = await postern(["send", "--config", path, "--source", "sms", "--id", "m2", ...FLAGS], {
    env: env(),
  });
  other.remove();
  expect({ code: ran.code, stderr: ran.stderr }).toEqual({
    code: 1,
    stderr:
      "postern: m2 refused: 403 invalid signature\n" +
      `postern: the service takes no signature of sms as ${path} makes it: check that it was started with the same secret, public_url and allow_from\n`,
  });
});
