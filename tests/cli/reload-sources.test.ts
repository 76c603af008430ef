/** Which sources answer while the configuration file is read anew under a running server. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSource } from "../../src/sources/open-source.ts";
import { type Folder, newFolder } from "../folder.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { newServer, type Server } from "./postern.ts";

let folder: Folder;
let server: Server;
beforeEach(() => {
  folder = newFolder();
});
afterEach(async () => {
  await server.stop();
  folder.remove();
});

type Secrets = Readonly<Record<string, string | readonly string[]>>;

/** Sources of kind slack with these secrets, by name. */
function write(secrets: Secrets): string {
  const path = join(folder.path, "postern.yaml");
  const sources = Object.entries(secrets).map(([name, secret]) => [name, { kind: "slack", secret }]);
  writeFileSync(path, JSON.stringify({ sources: Object.fromEntries(sources) }));
  return path;
}

async function serving(secrets: Secrets): Promise<void> {
  server = await newServer({ flags: ["--config", write(secrets)], env: { WEBHOOK_SECRET: "" } });
}

const lines = () => server.log().filter((line) => /^configuration /.test(String(line["message"])));

async function hangUp(): Promise<void> {
  const before = lines().length;
  server.signal("SIGHUP");
  await until("the log line", () => lines().length > before);
}

/** The status of a message that the secret signs. */
async function post(name: string, secret: string, id = "m"): Promise<number> {
  const path = `/webhook/${name}`;
  const source = openSource(name, { kind: "slack", secret });
  const trial = source.trial(message(id, { from: "slack:U1", to: "slack:C1" }), path, Date.now());
  if (trial === undefined) throw new Error("a kind without trials");
  const body = new Uint8Array(trial.body);
  return (await fetch(server.url + path, { method: "POST", headers: trial.headers, body })).status;
}

test("a source that appears answers, one that goes is 404, and one that stays stays", async () => {
  await serving({ stays: "s", goes: "g" });
  const statuses = async () => [
    await post("stays", "s"),
    await post("goes", "g"),
    await post("comes", "c"),
    await post("stays", "other"),
  ];
  expect(await statuses()).toEqual([200, 200, 404, 401]);
  write({ stays: "s", comes: "c" });
  await hangUp();
  expect(await statuses()).toEqual([200, 404, 200, 401]);
});

test("a file with mistakes keeps the old sources, whatever else it says", async () => {
  await serving({ stays: "s" });
  writeFileSync(
    join(folder.path, "postern.yaml"),
    "sources:\n  comes: { kind: slack, secret: c }\n  bad: { kind: slack, secret: '' }\n",
  );
  await hangUp();
  expect(lines().map((line) => line["level"])).toEqual(["ERROR"]);
  expect([await post("stays", "s"), await post("comes", "c"), await post("bad", "x")]).toEqual([
    200, 404, 404,
  ]);
});

test("a secret is changed without refusing a message: the old one, both, the new one", async () => {
  await serving({ chat: "old" });
  const statuses = async () => [await post("chat", "old"), await post("chat", "new")];
  expect(await statuses()).toEqual([200, 401]);
  write({ chat: ["new", "old"] });
  await hangUp();
  expect(await statuses()).toEqual([200, 200]);
  write({ chat: "new" });
  await hangUp();
  expect(await statuses()).toEqual([401, 200]);
});

test("no request to a source that stays is dropped or refused while others come and go", async () => {
  await serving({ stays: "s" });
  const statuses: number[] = [];
  let sending = true;
  const sender = async (name: string) => {
    for (let number = 0; sending; number++) statuses.push(await post("stays", "s", `${name}${number}`));
  };
  const senders = ["a", "b", "c", "d"].map(sender);
  for (let round = 0; round < 10; round++) {
    write(round % 2 === 0 ? { stays: "s", comes: "c" } : { stays: ["s", "t"] });
    await hangUp();
  }
  sending = false;
  await Promise.all(senders);
  expect(statuses.length).toBeGreaterThan(10);
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
});
