/** Destinations of several replicas on one database: what only they can get wrong. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { DestinationConfig } from "../../src/core/destination-config.ts";
import { newPostgres } from "../databases/postgres.ts";
import { destinationTo, SECRET } from "../deliver/destination.ts";
import { newReceiver, type Receiver } from "../deliver/receiver.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { sessionOn } from "./server.ts";

const LONG_MS = 120_000;

let receiver: Receiver;
let database: Awaited<ReturnType<typeof newPostgres>>;
const services: TestService[] = [];
beforeEach(async () => {
  receiver = await newReceiver({ secrets: [SECRET] });
  database = await newPostgres();
}, LONG_MS);
afterEach(async () => {
  for (const service of services.splice(0)) await service.stop();
  await receiver.close();
  await database.drop();
}, LONG_MS);

const config = (more: Partial<DestinationConfig> = {}) => destinationTo(receiver.url, more);
async function serve(destination: DestinationConfig): Promise<TestService> {
  const service = await newService({}, { database, destinations: [destination] });
  services.push(service);
  return service;
}
const differs = (service: TestService) =>
  service.logLines().filter(({ message }) => /configuration that differs/.test(String(message))).length;

test(
  "a replica whose file says something else of a destination tells of it, once, and secrets don't count",
  async () => {
    const first = await serve(config());
    await first.post(message("a"));
    await until("it is handed on", () => receiver.received.length === 1);
    const second = await serve(config({ concurrency: 5 }));
    await until("it is told", () => differs(second) === 1);
    const third = await serve(config({ secrets: [SECRET, "another secret of it"] }));
    await third.post(message("b"));
    await until("the first hands on", () => receiver.received.length === 2);
    expect([differs(first), differs(second), differs(third)]).toEqual([0, 1, 0]);
  },
  LONG_MS,
);

test(
  "a destination that can't be begun is begun anew, and misses nothing",
  async () => {
    const beside = sessionOn(database.url);
    const first = await serve(config());
    await first.post(message("a"));
    await until("it is handed on", () => receiver.received.length === 1);
    const second = await serve(config());
    await beside.query("alter table replays rename to replays_elsewhere");
    await services.shift()?.stop();
    await second.post(message("b"));
    await until("it could not be begun", () => /could not be served/.test(second.logText()));
    await beside.query("alter table replays_elsewhere rename to replays");
    await beside.close();
    await until("it is handed on", () => receiver.received.length === 2);
  },
  LONG_MS,
);
