/**
 * A service with made-up traffic of a day behind it: four sources, some requests that it refused,
 * and three destinations, one of which refuses some and one of which is paused.
 */
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSettings } from "../../src/config.ts";
import type { DestinationConfig } from "../../src/core/destination-config.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { startService } from "../../src/serve.ts";
import { openSource } from "../../src/sources/open-source.ts";
import { destinationTo } from "../../tests/deliver/destination.ts";
import { newReceiver, type Receiver } from "../../tests/deliver/receiver.ts";
import { SECRETS, type Sent, SOURCES, traffic } from "./traffic.ts";

export const TOKEN = "made-up-token-of-the-api";
const HOUR_MS = 3_600_000;
const HANDED_ON_MS = 2500;
const COUNTED_MS = 1500;
/** What is so old was received before one destination was paused. */
const LATE_MS = 55 * 60_000;

export interface MadeUp {
  readonly url: string;
  /** With the made-up addresses of the receivers. */
  readonly shown: (text: string) => string;
  /** With what the data has in place of `{message}`. */
  readonly fill: (view: string) => string;
  readonly stop: () => Promise<void>;
}

export async function startMadeUp(): Promise<MadeUp> {
  const folder = mkdtempSync(join(tmpdir(), "postern-screenshots-"));
  const receivers = { crm: await newReceiver(), helpdesk: await newReceiver(), reports: await newReceiver() };
  receivers.helpdesk.behave(refusesSome);
  const sent = traffic(systemClock.now());
  let at: number | undefined;
  const service = await startService(
    readSettings({
      ...{ WEBHOOK_SECRET: SECRETS.native, API_TOKEN: TOKEN, PORT: "0", HOST: "127.0.0.1" },
      DATABASE_URL: `sqlite:///${join(folder, "app.db")}`,
      TRUSTED_PROXIES: "127.0.0.1",
    }),
    {
      clock: { ...systemClock, now: () => at ?? systemClock.now() },
      logFd: openSync(join(folder, "log"), "a"),
      sources: open(),
      destinations: destinationsTo(receivers, []),
    },
  );
  const url = `http://127.0.0.1:${service.port}`;
  const later = sent.findIndex((each) => each.at > systemClock.now() - LATE_MS);
  const receive = async (some: readonly Sent[]) => {
    // Requests are counted every second, for when it was counted before.
    at = some[0]?.at;
    await Bun.sleep(COUNTED_MS);
    for (const each of some) {
      at = each.at;
      await post(url, each);
    }
    // Other threads have no other clock: reads, and so deliveries, begin now.
    at = undefined;
    await Bun.sleep(HANDED_ON_MS);
  };
  await receive(sent.slice(0, later));
  await send(`${url}/destinations/reports/pause`);
  // What failed so far is given up, and what fails from now on is tried again in an hour.
  await service.replaceConfiguration({
    sources: open(),
    destinations: destinationsTo(receivers, [HOUR_MS]),
  });
  await receive(sent.slice(later));
  return {
    url,
    shown: (text) =>
      Object.entries(receivers).reduce(
        (shown, [name, receiver]) => shown.replaceAll(receiver.url, `https://${name}.example.com`),
        text.replaceAll(
          /("path":"([^"]+)",)"public_url":null/g,
          '$1"public_url":"https://hooks.berghof-keramik.example.com$2"',
        ),
      ),
    fill: (view) =>
      view.replace("{message}", encodeURIComponent(sent.findLast(({ isShown }) => isShown)?.id ?? "")),
    stop: async () => {
      await service.stop();
      for (const receiver of Object.values(receivers)) await receiver.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Told by the record, so that a repeated attempt is refused again. */
const refusesSome: Parameters<Receiver["behave"]>[0] = (answer, { body }) => {
  if (/invoice|Rechnung|चालान/i.test(body))
    answer
      .writeHead(422, { "Content-Type": "application/json" })
      .end('{"error":"unknown_contact","message":"No contact has this number, and auto-create is off."}');
  else answer.writeHead(200).end("ok");
};

function open() {
  return Object.entries(SOURCES).map(([name, config]) => openSource(name, config));
}

function destinationsTo(
  receivers: Readonly<Record<string, Receiver>>,
  retryMs: readonly number[],
): DestinationConfig[] {
  return Object.entries(receivers).map(([name, { url }]) =>
    destinationTo(`${url}/hooks/postern`, { name, order: "none", retryMs: [...retryMs] }),
  );
}

async function post(url: string, { path, headers, body, id, client, isRefused }: Sent): Promise<void> {
  const answer = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { ...headers, "X-Forwarded-For": client },
    body,
  });
  if (answer.ok === isRefused) throw new Error(`${path} ${id}: ${answer.status} ${await answer.text()}`);
}

async function send(url: string): Promise<void> {
  const answer = await fetch(url, { method: "POST", headers: { Authorization: `Bearer ${TOKEN}` } });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
}
