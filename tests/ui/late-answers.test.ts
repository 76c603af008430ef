/** What the dashboard shows while an answer is on its way: nothing that isn't so. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page, Route } from "playwright-core";
import type { DestinationConfig } from "../../src/core/destination-config.ts";
import { destinationTo } from "../deliver/destination.ts";
import { answers, newReceiver, type Receiver } from "../deliver/receiver.ts";
import { launchBrowser } from "../gate/browser.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { isSkipped, looksAgain, openDashboard, shows, signIn, TOKEN } from "./dashboard.ts";

const HOUR_MS = 3_600_000;
const second = (index: number) => new Date(1_700_000_000_000 + index * 1000).toISOString();

/** The next such request gets the answer of the moment it is asked, and gets it late. */
async function heldNext(page: Page, url: RegExp) {
  const asked = Promise.withResolvers<void>();
  const late = Promise.withResolvers<void>();
  const hold = async (route: Route) => {
    const response = await route.fetch();
    asked.resolve();
    await late.promise;
    await route.fulfill({ response });
  };
  await page.route(url, hold, { times: 1 });
  return { asked: asked.promise, answer: () => late.resolve() };
}

describe.skipIf(isSkipped)("late answers", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  async function onPage(
    view: string,
    { count = 0, destination = {} }: { count?: number; destination?: Partial<DestinationConfig> },
    run: (given: { page: Page; service: TestService; receiver: Receiver }) => Promise<void>,
  ) {
    const receiver = await newReceiver();
    receiver.behave((answer, received) =>
      answers(received.body.includes('"m0"') ? 422 : 200)(answer, received),
    );
    const destinations = [destinationTo(receiver.url, { order: "none", retryMs: [HOUR_MS], ...destination })];
    const service = await newService({ API_TOKEN: TOKEN }, { destinations });
    for (let index = 0; index < count; index++)
      await service.post(message(`m${index}`, { ts: second(index), text: `message ${index}` }));
    const { page, complaints, close } = await openDashboard(browser, service.url, { view });
    await run({ page, service, receiver });
    expect(complaints).toEqual([]);
    await close();
    await service.stop();
    await receiver.close();
  }

  test("a list isn't called empty before it has answered", async () => {
    await onPage("messages?q=nowhere", { count: 2 }, async ({ page }) => {
      const noMatch = page.getByText("No message matches.");
      for (const change of [
        () => page.getByRole("searchbox").fill("0"),
        () => page.getByRole("button", { name: "Show all" }).click(),
      ]) {
        await noMatch.waitFor();
        const all = await heldNext(page, /\/messages\?/);
        await change();
        await all.asked;
        await noMatch.waitFor({ state: "detached" });
        expect(await page.getByText("No message yet").count()).toBe(0);
        all.answer();
        await page.locator(".row:not(.lacking)").first().waitFor();
        await page.getByRole("searchbox").fill("nowhere");
      }
    });
  });

  test("who goes to the top while what is new is counted is shown it", async () => {
    await onPage("messages?q=message", { count: 60 }, async ({ page, service }) => {
      await page.getByText("60 messages").waitFor();
      await page.locator(".list-scroll").focus();
      await page.keyboard.press("End");
      await page
        .locator(".row")
        .filter({ hasText: /message 0$/ })
        .waitFor();
      const counted = await heldNext(page, /\/messages\?.*limit=1(?!\d)/);
      await service.post(message("new", { ts: second(99), text: "a new message" }));
      await counted.asked;
      await page.keyboard.press("Home");
      await page.locator(".row").filter({ hasText: "message 59" }).waitFor();
      counted.answer();
      await page.locator(".row").filter({ hasText: "a new message" }).waitFor();
      await page.getByRole("button", { name: "1 new" }).waitFor({ state: "detached" });
    });
  });

  test("a conversation keeps what comes in while it is read, and says nothing of another's", async () => {
    await onPage("conversations", {}, async ({ page, service }) => {
      for (let index = 0; index < 60; index++)
        await service.post(message(`a${index}`, { from: "+1", ts: second(index), text: `text ${index}` }));
      await service.post(message("b", { from: "+2", ts: second(99), text: "of another" }));
      const said = page.locator(".thread .drawer-head .quiet");
      const bubbles = page.locator(".bubble-text");
      await page.locator(".row").filter({ hasText: "of another" }).click();
      await said.filter({ hasText: "1 message" }).waitFor();
      const read = await heldNext(page, /\/messages\?from=%2B1&/);
      await page.locator(".row").filter({ hasText: "text 59" }).click();
      await read.asked;
      expect([await said.textContent(), await bubbles.count()]).toEqual(["", 0]);
      await service.post(message("late", { from: "+1", ts: second(100), text: "text late" }));
      await page.locator(".row.open .sender-text").filter({ hasText: "text late" }).waitFor();
      read.answer();
      await said.filter({ hasText: "61 messages" }).waitFor();
      // Impatience doubles nothing.
      const earlier = await heldNext(page, /\/messages\?.*cursor=/);
      await page.getByRole("button", { name: "Earlier" }).click();
      await earlier.asked;
      await page.getByRole("button", { name: "Earlier" }).click();
      earlier.answer();
      await bubbles.filter({ hasText: /^text 0$/ }).waitFor();
      const texts = Array.from({ length: 60 }, (_, index) => `text ${index}`);
      expect(await bubbles.allTextContents()).toEqual([...texts, "text late"]);
    });
  });

  test("what a destination did with one message isn't said of the next", async () => {
    await onPage("messages?open=m0", { count: 2 }, async ({ page, service }) => {
      await page.locator(".deliveries:not([aria-busy])").waitFor();
      const destinations = await heldNext(page, /\/destinations$/);
      await page.goto(`${service.url}/ui/#/messages?open=m1`);
      await page.locator(".message-text").filter({ hasText: "message 1" }).waitFor();
      await destinations.asked;
      expect(await page.locator(".deliveries:not([aria-busy])").count()).toBe(0);
      destinations.answer();
      await page.locator(".deliveries:not([aria-busy])").waitFor();
    });
  });

  test("failures of one filter aren't counted for another, nor is it said that there are none", async () => {
    await onPage("destinations?name=app", { count: 2 }, async ({ page }) => {
      const all = page.getByRole("button", { name: "Try all again" });
      await looksAgain(page, all);
      const sender = page.getByLabel("Sender", { exact: true });
      for (const [from, before] of [
        ["+nobody", all],
        ["", page.getByText("0 records match")],
      ] as const) {
        await before.waitFor();
        const failures = await heldNext(page, from === "" ? /\/failures\?limit/ : /\/failures\?from/);
        await sender.fill(from);
        await page.keyboard.press("Enter");
        await failures.asked;
        await before.waitFor({ state: "detached" });
        expect(await page.getByText("Nothing has failed").count()).toBe(0);
        failures.answer();
      }
      await all.waitFor();
    });
  });

  test("a replay is of the part that was counted, and isn't called over before it has begun", async () => {
    const destination = { order: "sender", timeoutMs: HOUR_MS } as const;
    await onPage("destinations", { destination }, async ({ page, service, receiver }) => {
      await service.post(message("m1"));
      await until("it is delivered", () => receiver.received.length === 1);
      receiver.behave(() => undefined);
      await page.getByRole("button", { name: "Replay…" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("What was received").selectOption("start");
      const counted = await heldNext(page, /\/replay$/);
      await dialog.getByRole("button", { name: "Count" }).click();
      await counted.asked;
      await dialog.getByLabel("Sender").fill("+nobody");
      counted.answer();
      await dialog.getByRole("button", { name: "Count" }).click();
      await dialog.getByText("Nothing matches.").waitFor();
      await dialog.getByLabel("Sender").fill("");
      await dialog.getByRole("button", { name: "Count" }).click();
      const send = dialog.getByRole("button", { name: "Send 1 record" });
      await send.waitFor();
      const replays = await heldNext(page, /\/replays$/);
      await send.click();
      await replays.asked;
      const said = page.getByRole("region", { name: "Replays" }).getByRole("status");
      expect(await said.textContent()).toBe("A replay of 1 record has begun.");
      replays.answer();
      await page.getByRole("progressbar").waitFor();
    });
  });

  test("whoever has signed in isn't signed out by what was asked before, and can try again", async () => {
    const service = await newService({ API_TOKEN: TOKEN });
    await service.post(message("m1", { text: "what is there" }));
    const { page, close } = await openDashboard(browser, "about:blank#", { signsIn: false });
    const isOfSession = /\/ui\/session$/;
    let become: (route: Route) => Promise<void> = (route) => route.abort();
    await page.route(isOfSession, (route) => become(route));
    await page.goto(`${service.url}/ui/`);
    await page.getByRole("alert").filter({ hasText: "This page tries again by itself." }).waitFor();
    const before = await heldNext(page, isOfSession);
    await before.asked;
    become = (route) => route.continue();
    await page.getByLabel("API token").waitFor();
    become = (route) => (route.request().method() === "GET" ? route.abort() : route.continue());
    await page.getByLabel("API token").fill(TOKEN);
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "The service can't be reached." }).waitFor();
    become = (route) => route.continue();
    await signIn(page);
    const late = page.waitForEvent("requestfinished", (request) => isOfSession.test(request.url()));
    before.answer();
    await late;
    await shows(page, ["what is there"]);
    await page.locator(".connection.live").waitFor();
    await service.post(message("m2", { text: "what comes in" }));
    await page.getByText("what comes in").waitFor();
    await close();
    await service.stop();
  });
});
