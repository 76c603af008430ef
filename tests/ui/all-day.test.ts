/** The dashboard where it stays open: nothing is missed, and nobody loses their place. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { destinationTo } from "../deliver/destination.ts";
import { answers, newReceiver } from "../deliver/receiver.ts";
import { launchBrowser } from "../gate/browser.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { isSkipped, openDashboard, TOKEN } from "./dashboard.ts";
import { newWire } from "./wire.ts";

interface Destination {
  readonly put_aside: number;
  readonly lag_records: number;
}

const ago = (seconds: number) => `${new Date(Date.now() - seconds * 1000).toISOString().slice(0, 19)}Z`;

describe.skipIf(isSkipped)("a dashboard that stays open", () => {
  let browser: Browser;
  let service: TestService;
  beforeAll(async () => {
    browser = await launchBrowser();
    service = await newService({ API_TOKEN: TOKEN });
    for (let index = 0; index < 150; index++)
      await service.post(message(`m${index}`, { ts: ago(index * 20), text: `message ${index}` }));
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });

  test("hears what comes in though its connection died without a word", async () => {
    const wire = await newWire(service.port);
    const { page, close } = await openDashboard(browser, wire.url);
    await page.clock.install();
    await page.reload();
    await page.locator(".connection.live").waitFor();
    wire.stall();
    await service.post(message("unheard", { ts: ago(0), text: "nobody said so" }));
    await page.clock.fastForward(90_000);
    // Each connection that the browser kept has to be given up, for ten seconds each.
    await page.getByText("nobody said so").waitFor({ timeout: 90_000 });
    await close();
    await wire.close();
  });

  test("a span of time that moves on leaves whoever reads further down where they are", async () => {
    const { page, close } = await openDashboard(browser, service.url, { view: "messages?range=24h" });
    await page.getByText("message 3", { exact: true }).waitFor();
    const begun: string[] = [];
    page.on("request", (request) => {
      if (/\/messages\?since=[^&]*&order=desc&limit=\d+$/.test(request.url())) begun.push(request.url());
    });
    const list = page.locator(".list-scroll");
    await list.evaluate((element) => element.scrollTo(0, 4000));
    const row = page.locator(".row:not(.lacking)").filter({ hasText: /message 110$/ });
    await row.waitFor();
    const top = await list.evaluate((element) => element.scrollTop);
    await page.clock.install({ time: Date.now() + 120_000 });
    // The page asks again what the time is.
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await row.click();
    await page.locator(".drawer .fields-of").waitFor();
    expect(await list.evaluate((element) => element.scrollTop)).toBe(top);
    await page.locator(".row.open").getByText("message 110", { exact: true }).waitFor();
    expect(begun).toEqual([]);
    // At the top the span begins later from now on.
    await page.keyboard.press("Escape");
    await page.keyboard.press("Home");
    await page.clock.setFixedTime(Date.now() + 240_000);
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await until("a later span", () => begun.length > 0);
    await close();
  });

  test("a message that can't be read is asked for again, and shows nothing of the one before", async () => {
    const { page, close } = await openDashboard(browser, service.url, { view: "messages?open=m2" });
    const drawer = page.locator(".drawer");
    await drawer.getByText("message 2", { exact: true }).first().waitFor();
    await page.route("**/messages/m3", (route) =>
      route.fulfill({ status: 503, json: { detail: "no reader is free" } }),
    );
    await page.locator(".row.open").waitFor();
    // From what is open, not from the top.
    await page.keyboard.press("j");
    await drawer.getByRole("alert").getByText("No reader is free.").waitFor();
    expect(await drawer.locator(".fields-of").count()).toBe(0);
    await page.unroute("**/messages/m3");
    await drawer.getByRole("button", { name: "Try again" }).click();
    await drawer.locator(".message-text").getByText("message 3", { exact: true }).waitFor();
    await close();
  });

  test("a failure is shown with its own message alone, however slow the service answers", async () => {
    const receiver = await newReceiver();
    const refused = await newService(
      { API_TOKEN: TOKEN },
      { destinations: [destinationTo(receiver.url, { name: "crm", order: "none", retryMs: [3_600_000] })] },
    );
    await refused.post(message("fine", { from: "+2", ts: ago(90), text: "two" }));
    await until("its success", async () => (await standingOf(refused))?.lag_records === 0);
    receiver.behave(answers(422, {}, "no such contact"));
    await refused.post(message("failed", { from: "+1", ts: ago(60), text: "one" }));
    // One that succeeds tells a record that is refused from a receiver that fails.
    await until("an attempt", () => receiver.received.length === 2);
    receiver.behave(answers(200));
    await refused.post(message("fine too", { from: "+3", ts: ago(80), text: "three" }));
    await until("a failure", async () => (await standingOf(refused))?.put_aside === 1);
    const { page, close } = await openDashboard(browser, refused.url, { view: "messages?open=failed" });
    const drawer = page.locator(".drawer");
    await drawer.getByText("no such contact").waitFor();
    const gate = Promise.withResolvers<void>();
    await page.route("**/destinations", async (route) => {
      await gate.promise;
      await route.continue();
    });
    await page.locator(".row:not(.lacking)").getByText("two", { exact: true }).click();
    await drawer.locator(".message-text").getByText("two", { exact: true }).waitFor();
    expect(await drawer.getByText("no such contact").count()).toBe(0);
    gate.resolve();
    await drawer.locator(".deliveries").getByText("handed on", { exact: true }).waitFor();
    await close();
    await refused.stop();
    await receiver.close();
  });

  test("a message that is on its way is looked at until it has arrived", async () => {
    const receiver = await newReceiver();
    const gate = Promise.withResolvers<void>();
    receiver.behave((answer) => void gate.promise.then(() => answer.writeHead(200).end()));
    const slow = await newService(
      { API_TOKEN: TOKEN },
      { destinations: [destinationTo(receiver.url, { name: "crm", timeoutMs: 120_000 })] },
    );
    await slow.post(message("m", { text: "one" }));
    const { page, close } = await openDashboard(browser, slow.url, { view: "messages?open=m" });
    const deliveries = page.locator(".deliveries");
    await deliveries.getByText("on its way").waitFor();
    gate.resolve();
    await until("its success", async () => (await standingOf(slow))?.lag_records === 0);
    // It asks more rarely where answers take long, and at once when somebody comes back to it.
    await look(page, true);
    await deliveries.getByText("handed on", { exact: true }).waitFor();
    await close();
    await slow.stop();
    await receiver.close();
  });

  test("a list that the service couldn't answer comes by itself", async () => {
    const { page, close } = await openDashboard(browser, service.url, { view: "messages?q=message" });
    await page.locator(".row:not(.lacking)").first().waitFor();
    const busy = (url: URL) => url.pathname === "/messages" && url.searchParams.get("q") === "message 14";
    await page.route(busy, (route) => route.fulfill({ status: 503, json: { detail: "no reader is free" } }));
    await page.getByRole("searchbox").fill("message 14");
    await page.getByRole("alert").getByText("No reader is free.").waitFor();
    await page.unroute(busy);
    await page.locator(".row mark").getByText("message 14").first().waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    await close();
  });

  test("a conversation that is on its way doesn't say that it is empty", async () => {
    const { page, close } = await openDashboard(browser, service.url, { view: "conversations" });
    await page.locator(".row:not(.lacking)").first().waitFor();
    const gate = Promise.withResolvers<void>();
    await page.route("**/messages?*", async (route) => {
      await gate.promise;
      await route.continue();
    });
    await page.locator(".row:not(.lacking)").first().click();
    await page.locator(".thread [aria-busy=true]").waitFor();
    expect(await page.locator(".thread .drawer-head").textContent()).not.toContain("0 messages");
    gate.resolve();
    await page.locator(".bubble").first().waitFor();
    await close();
  });

  test("reads anew where much came in while nobody looked, and whoever reads further down stays there", async () => {
    const { page, close } = await openDashboard(browser, service.url);
    const wide = await openDashboard(browser, service.url);
    const counted = page.locator(".counted");
    await counted.getByText(" messages").waitFor();
    const before = Number.parseInt((await counted.textContent()) ?? "", 10);
    await wide.page.locator(".row:not(.lacking)").first().waitFor();
    await wide.page.locator(".list-scroll").evaluate((list) => list.scrollTo(0, 2000));
    await wide.page.getByText("message 60", { exact: true }).waitFor();
    for (const each of [page, wide.page]) await look(each, false);
    for (let index = 0; index < 450; index++)
      await service.post(message(`missed${index}`, { ts: ago(0), text: `missed ${index}` }));
    // None of them is heard by itself.
    const isHeardFromNow = page.waitForRequest(/\/log\?after=now&/);
    for (const each of [page, wide.page]) await look(each, true);
    await isHeardFromNow;
    await page.getByText(`${before + 450} messages`, { exact: true }).waitFor();
    await wide.page.getByRole("button", { name: "450 new" }).waitFor();
    expect(await wide.page.getByText("message 60", { exact: true }).count()).toBe(1);
    await close();
    await wide.close();
  });

  test("a conversation that is read further up stays there, and has what was missed of it", async () => {
    const from = "+4915112345678";
    const said = (id: string) => service.post(message(id, { from, ts: ago(0), text: id }));
    for (let index = 0; index < 70; index++)
      await service.post(message(`said${index}`, { from, ts: ago(900 - index), text: `said ${index}` }));
    const { page, close } = await openDashboard(browser, service.url, {
      view: `conversations?${new URLSearchParams({ from })}`,
    });
    await page.getByRole("button", { name: "Earlier" }).click();
    const first = page.locator(".bubble-text").filter({ hasText: /^said 0$/ });
    await first.scrollIntoViewIfNeeded();
    await look(page, false);
    for (let index = 0; index < 250; index++) await service.post(message(`other${index}`, { ts: ago(0) }));
    await said("the last one");
    await look(page, true);
    await page.locator(".bubble").filter({ hasText: "the last one" }).waitFor();
    await page.getByText("71 messages", { exact: true }).waitFor();
    expect(await page.locator(".bubble").count()).toBe(71);
    expect(await page.getByRole("button", { name: "Earlier" }).count()).toBe(0);
    expect(await page.locator(".thread-scroll").evaluate((thread) => thread.scrollTop)).toBeLessThan(100);
    await close();
  });
});

/** Of its only destination. */
async function standingOf(service: TestService): Promise<Destination | undefined> {
  const { data } = (await (await service.get("/destinations")).json()) as { data: Destination[] };
  return data[0];
}

/** As when another tab is shown, and this one again. */
function look(page: Page, isSeen: boolean): Promise<unknown> {
  return page.evaluate(
    `Object.defineProperty(document, "hidden", { configurable: true, get: () => ${!isSeen} });
    document.dispatchEvent(new Event("visibilitychange"));`,
  );
}
