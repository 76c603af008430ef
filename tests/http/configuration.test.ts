/** Sources and destinations are exchanged together under a running service, or not at all. */
import { expect, test } from "bun:test";
import { parseConfigFile } from "../../src/config-file/config-file.ts";
import type { Destinations } from "../../src/core/destination-config.ts";
import { StartRefused, StorageUnavailable } from "../../src/core/errors.ts";
import { newDatabase } from "../databases/database.ts";
import { message } from "../messages.ts";
import { steeredClock } from "../steered-clock.ts";
import { newService, type TestService } from "./service.ts";

const BOT = { kind: "telegram", secret: "token-of-the-telegram-source" };
const CHAT = { kind: "telegram", secret: "token-of-the-other-telegram-source" };
const destinationsOf = (...names: string[]) =>
  parseConfigFile(
    `destinations: { ${names.map((name) => `${name}: { url: https://example.org, secret: a-secret-of-a-destination }`)} }`,
    "postern.yaml",
    {},
  ).destinations;

/** Notes what it is asked; `replace` may be made to fail. */
function handingOn(replace: (names: readonly string[]) => Promise<void> = async () => undefined) {
  const steps: string[] = [];
  const destinations: Destinations = {
    replace: async (configs) => {
      const names = configs.map(({ name }) => name);
      steps.push(names.join(" "));
      await replace(names);
    },
    close: async () => void steps.push("closed"),
  };
  return { steps, destinations };
}

const post = async (service: TestService, name: string, { secret }: typeof BOT) =>
  (
    await service.send(`/webhook/${name}`, {
      body: "{}",
      headers: { "X-Telegram-Bot-Api-Secret-Token": secret },
    })
  ).status;

test("destinations are handed over at the start and by each exchange, and closed at the stop", async () => {
  const { steps, destinations } = handingOn();
  const service = await newService({}, { handsOn: destinations, destinations: destinationsOf("a", "b") });
  expect(steps).toEqual(["a b"]);
  await service.replaceSources({ bot: BOT }, destinationsOf("b", "c"));
  expect(await post(service, "bot", BOT)).toBe(200);
  await service.replaceSources({ bot: BOT });
  await service.stop();
  expect(steps).toEqual(["a b", "b c", "", "closed"]);
});

test("sources serve once the destinations are in place, and not before", async () => {
  const replaced = Promise.withResolvers<void>();
  const { steps, destinations } = handingOn((names) =>
    names.length === 0 ? Promise.resolve() : replaced.promise,
  );
  const service = await newService({}, { handsOn: destinations, sources: { chat: CHAT } });
  const exchange = service.replaceSources({ bot: BOT }, destinationsOf("a"));
  while (steps.length < 2) await new Promise(setImmediate);
  expect([await post(service, "chat", CHAT), await post(service, "bot", BOT)]).toEqual([200, 404]);
  expect((await service.post(message("bot:1"))).status).toBe(422);
  replaced.resolve();
  await exchange;
  expect([await post(service, "chat", CHAT), await post(service, "bot", BOT)]).toEqual([404, 200]);
  await service.stop();
});

test.each([
  ["refused", () => new StartRefused("the name a is taken")],
  ["lost with the store", () => new StorageUnavailable("storage unavailable: not now")],
])("destinations that are %s leave the sources as they were, and their ranges too", async (_, failure) => {
  const { destinations } = handingOn(async (names) => {
    if (names.includes("bad")) throw failure();
  });
  const service = await newService({}, { handsOn: destinations, sources: { chat: CHAT } });
  const exchange = service.replaceSources({ bot: BOT }, destinationsOf("bad"));
  // `rejects` waits without turns of the event loop, which the store takes.
  expect(await exchange.catch((error: unknown) => error)).toEqual(failure());
  expect([await post(service, "chat", CHAT), await post(service, "bot", BOT)]).toEqual([200, 404]);
  expect((await service.post(message("chat:1"))).status).toBe(422);
  // Whether the range is still looked through tells that its name isn't noted.
  expect((await service.post(message("bot:1"))).status).toBe(200);
  await expect(service.replaceSources({ bot: BOT })).rejects.toThrow(/begins with bot:/);
  await service.replaceSources({ other: BOT }, destinationsOf("good"));
  expect(await post(service, "other", BOT)).toBe(200);
  await service.stop();
});

test("sources that are refused leave the destinations as they were", async () => {
  const { steps, destinations } = handingOn();
  const service = await newService({}, { handsOn: destinations });
  await service.post(message("bot:1"));
  await expect(service.replaceSources({ bot: BOT }, destinationsOf("a"))).rejects.toThrow(/begins with bot:/);
  expect(steps).toEqual([""]);
  await service.stop();
});

test("destinations that are refused at the start refuse it, and harm nothing", async () => {
  const database = await newDatabase();
  const { steps, destinations } = handingOn(async () => {
    throw new StartRefused("the name a is taken");
  });
  const given = { database, sources: { bot: BOT }, destinations: destinationsOf("a") };
  await expect(newService({}, { ...given, handsOn: destinations })).rejects.toThrow("the name a is taken");
  expect(steps).toEqual(["a", "closed"]);
  const service = await newService({}, { database });
  expect((await service.post(message("bot:1"))).status).toBe(200);
  await service.stop();
  await database.drop();
});

test("destinations that don't close are cut off, so that the stop ends in time", async () => {
  const clock = steeredClock();
  const { destinations } = handingOn();
  const close = () => {
    clock.advance(60_000);
    return new Promise<void>(() => undefined);
  };
  const service = await newService({}, { clock, handsOn: { ...destinations, close } });
  const log = await service.stop();
  expect(log).toContain('"message":"destinations were cut off"');
  expect(log.trimEnd().split("\n").at(-1)).toContain('"stopped"');
});
