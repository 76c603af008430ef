/**
 * Killed while providers' POSTs come in: what was acknowledged is there, and no POST is there in
 * part.
 */
import { expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "../folder.ts";
import { until } from "../until.ts";
import { databaseOfEachTest, startPostern } from "./postern-process.ts";

const database = databaseOfEachTest();

const ROUNDS = Number(process.env["POSTERN_KILL_ROUNDS"] ?? 3);
const SENDERS = 8;
const PARTS = 5;
const APP_SECRET = "app-secret-of-the-fault-tests";

/** A notification of WhatsApp's with so many messages and, of each, a status. */
function notification(post: string): string {
  const ids = Array.from({ length: PARTS }, (_, part) => `wamid.${post}.${part}`);
  const value = {
    metadata: { display_phone_number: "14155550100", phone_number_id: "1" },
    messages: ids.map((id) => ({
      ...{ id, from: "919876543210", timestamp: "1736935200", type: "text" },
      text: { body: "hello" },
    })),
    statuses: ids.map((id) => ({ id, status: "read", timestamp: "1736935201", recipient_id: "1" })),
  };
  const entry = [{ id: "1", changes: [{ field: "messages", value }] }];
  return JSON.stringify({ object: "whatsapp_business_account", entry });
}

async function send(url: string, post: string): Promise<Response | undefined> {
  const body = notification(post);
  const signature = createHmac("sha256", APP_SECRET).update(body).digest("hex");
  try {
    const headers = { "X-Hub-Signature-256": `sha256=${signature}` };
    const response = await fetch(`${url}/webhook/wa`, { method: "POST", body, headers });
    await response.arrayBuffer();
    return response;
  } catch {
    return undefined;
  }
}

/** How many messages and events of each POST are there, read page by page. */
async function partsOfPosts(url: string): Promise<Map<string, { messages: number; events: number }>> {
  const found = new Map<string, { messages: number; events: number }>();
  for (const kind of ["messages", "events"] as const) {
    for (let offset = 0, total = 1; offset < total; offset += 100) {
      const answer = await fetch(`${url}/${kind}?limit=100&offset=${offset}`);
      const page = (await answer.json()) as { data: readonly { message_id: string }[]; total: number };
      for (const { message_id } of page.data) {
        const post = message_id.split(".")[1] ?? "";
        const parts = found.get(post) ?? { messages: 0, events: 0 };
        parts[kind]++;
        found.set(post, parts);
      }
      total = page.total;
    }
  }
  return found;
}

test(`after ${ROUNDS} kills every acknowledged POST is there whole, once, and none in part`, async () => {
  const folder = newFolder();
  const config = join(folder.path, "postern.yaml");
  writeFileSync(config, `sources:\n  wa:\n    kind: meta\n    secret: ${APP_SECRET}\n`);
  const start = () => startPostern({ database: database().url, env: { POSTERN_CONFIG: config } });
  const acknowledged = new Set<string>();
  const attempted = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const postern = await start();
    let running = true;
    const before = acknowledged.size;
    const senders = Array.from({ length: SENDERS }, async (_, sender) => {
      for (let count = 0; running; count++) {
        const post = `${round}-${sender}-${count}`;
        attempted.add(post);
        const answer = await send(postern.url, post);
        if (answer === undefined) return;
        if (answer.status === 200) acknowledged.add(post);
      }
    });
    await until("acknowledgements", () => acknowledged.size > before + 60 + 17 * (round % 5));
    postern.kill("SIGKILL");
    await postern.exited;
    running = false;
    await Promise.all(senders);
  }
  const postern = await start();
  const found = await partsOfPosts(postern.url);
  const whole = { messages: PARTS, events: PARTS };
  expect([...found].filter(([, parts]) => !Bun.deepEquals(parts, whole))).toEqual([]);
  expect([...acknowledged].filter((post) => !found.has(post))).toEqual([]);
  expect([...found.keys()].filter((post) => !attempted.has(post))).toEqual([]);
  for (const post of attempted) {
    if (acknowledged.has(post)) continue;
    const answer = await send(postern.url, post);
    expect(answer?.headers.get("postern-result")).toBe(found.has(post) ? "duplicate" : "ok");
  }
  const metrics = await (await fetch(`${postern.url}/metrics`)).text();
  expect(metrics).toContain(`store_messages ${PARTS * attempted.size}\n`);
  expect(metrics).toContain(`store_events ${PARTS * attempted.size}\n`);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
  expect(await database().differences()).toEqual([]);
  folder.remove();
}, 600_000);
