/** The page of destinations: what it says of them, and what it does to them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import type { DestinationConfig } from "../../src/core/destination-config.ts";
import { destinationTo } from "../deliver/destination.ts";
import { answers, hangs, newReceiver, type Receiver } from "../deliver/receiver.ts";
import { launchBrowser } from "../gate/browser.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { isSkipped, looksAgain, openDashboard, TOKEN } from "./dashboard.ts";
import { objectionsIn } from "./objections.ts";

const HOSTILE = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script> \u202egnp.exe`;
const HOUR_MS = 3_600_000;

describe.skipIf(isSkipped)("destinations", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  async function withDestination(
    more: Partial<DestinationConfig>,
    run: (given: { page: Page; receiver: Receiver; service: TestService }) => Promise<void>,
  ) {
    const receiver = await newReceiver();
    const destinations = [destinationTo(`${receiver.url}/hook?token=unsaid`, { order: "none", ...more })];
    const service = await newService({ API_TOKEN: TOKEN }, { destinations });
    const { page, complaints, close } = await openDashboard(browser, service.url, { view: "destinations" });
    await page.locator("[data-destination=app]").waitFor();
    await run({ page, receiver, service });
    expect(complaints).toEqual([]);
    await close();
    await service.stop();
    await receiver.close();
  }

  /** Presses the button, reads what will happen, and agrees. */
  async function agree(page: Page, button: string, verb = button): Promise<string> {
    await page.getByRole("button", { name: button, exact: true }).click();
    const dialog = page.getByRole("dialog");
    const words = (await dialog.textContent()) ?? "";
    await dialog.getByRole("button", { name: verb, exact: true }).click();
    await dialog.waitFor({ state: "detached" });
    return words;
  }

  test("what the service takes long to count is asked for less often", async () => {
    await withDestination({}, async ({ page }) => {
      let asked = 0;
      let answer = () => {};
      // It stands still but for what is let run.
      await page.clock.install({ time: 0 });
      await page.clock.pauseAt(HOUR_MS);
      await page.route(/\/destinations$/, async (route) => {
        asked++;
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        await route.continue();
      });
      const now = () => page.evaluate<number>("Date.now()");
      await page.reload();
      const before = await now();
      await until("it is asked", async () => {
        await page.clock.runFor(50);
        return asked === 1;
      });
      await page.clock.runFor(1000);
      const tookMs = (await now()) - before;
      answer();
      await page.locator("[data-destination=app]").waitFor();
      // Twenty times what the answer took, which is a second at least.
      await page.clock.runFor(17_000);
      expect(asked).toBe(1);
      // It looks whether it may every three seconds.
      await page.clock.runFor(20 * tookMs + 3600 - 17_000);
      await until("it is asked again", () => asked === 2);
      answer();
    });
  });

  test("what failed after a long time is asked for again soon", async () => {
    await withDestination({}, async ({ page }) => {
      let asked = 0;
      let fail = () => {};
      await page.clock.install({ time: 0 });
      await page.clock.pauseAt(HOUR_MS);
      await page.route(/\/destinations$/, async (route) => {
        asked++;
        if (asked > 1) return route.continue();
        await new Promise<void>((resolve) => {
          fail = resolve;
        });
        await route.fulfill({ status: 503, json: { detail: "storage unavailable" } });
      });
      await page.reload();
      await until("it is asked", async () => {
        await page.clock.runFor(50);
        return asked === 1;
      });
      await page.clock.runFor(10_000);
      fail();
      await page.getByText("Storage unavailable.").waitFor();
      // It looks whether it may every three seconds.
      await page.clock.runFor(18_500);
      await page.locator("[data-destination=app]").waitFor();
    });
  });

  test("one is paused and resumed, after the page has said what that does", async () => {
    await withDestination({}, async ({ page, receiver, service }) => {
      expect(await page.locator(".destination-head").textContent()).toContain(receiver.url);
      expect(await page.locator("#app").textContent()).not.toContain("unsaid");
      expect(await page.locator(".destination-takes").textContent()).toBe("Takes messages");
      // Who thinks better of it changes nothing.
      await page.getByRole("button", { name: "Pause" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
      await page.getByRole("dialog").waitFor({ state: "detached" });
      expect(await agree(page, "Pause")).toContain("waits in the log");
      await page.locator(".notice.warn").getByText("Paused by an operator.").waitFor();
      await page.getByText("not before it is resumed").waitFor();
      for (const id of ["m1", "m2"]) await service.post(message(id));
      const row = page.locator("[data-destination=app]");
      await looksAgain(page, row.getByText("2 behind"));
      expect(receiver.received).toEqual([]);
      await agree(page, "Resume");
      await looksAgain(page, row.getByText("up to date"));
      expect(receiver.received.length).toBe(2);
    });
  });

  test("one whose only record fails says why and when it is tried next, and tries it when told to", async () => {
    await withDestination({ retryMs: [HOUR_MS] }, async ({ page, receiver, service }) => {
      const { port } = receiver;
      await receiver.close();
      await service.post(message("m1"));
      const notice = page.locator(".notice.warn");
      await looksAgain(page, notice.getByText("Nobody listens there."));
      await looksAgain(page, notice.getByText(/Next attempt in \d+[hm]\.$/));
      await page.getByText("A record that fails is listed here once").waitFor();
      expect(await page.getByText("Nothing has failed").count()).toBe(0);
      expect(await objectionsIn(page)).toEqual([]);
      const back = await newReceiver({ port });
      await page.getByRole("button", { name: "Try now" }).click();
      await looksAgain(page, page.locator("[data-destination=app]").getByText("up to date"));
      await looksAgain(page, notice, false);
      expect(back.received.length).toBe(1);
      await back.close();
    });
  });

  test("failures are told with their cause and what was answered, and are retried or dropped", async () => {
    await withDestination({ retryMs: [HOUR_MS] }, async ({ page, receiver, service }) => {
      // All are under way before one is answered: a receiver that takes nothing isn't sent a third.
      const held: (() => void)[] = [];
      receiver.behave((answer, received) => {
        const status = received.body.includes('"m3"') ? 200 : 422;
        held.push(() => answers(status, {}, HOSTILE)(answer, received));
        if (held.length === 3) for (const release of held) release();
        if (held.length > 3) held.at(-1)?.();
      });
      for (const id of ["m1", "m2", "m3"]) await service.post(message(id, { from: `+493000${id.slice(1)}` }));
      const rows = page.locator(".failure");
      await looksAgain(page, rows.nth(1));
      // The latest first.
      expect(await rows.first().textContent()).toContain("m2");
      expect(await rows.first().textContent()).toContain("Refused by the receiver");
      expect(await rows.first().locator(".raw").textContent()).toContain("<img src=x onerror");
      expect(await rows.first().locator(".raw bdi > *").count()).toBe(0);
      expect(await page.title()).toBe("Destinations · Postern");
      await page.getByLabel("Sender", { exact: true }).fill("+4930001");
      await page.keyboard.press("Enter");
      await page.getByText("1 record match").waitFor();
      expect(page.url()).toContain("from=%2B4930001");
      expect(await agree(page, "Drop m1", "Drop")).toContain("never handed on");
      await page.getByText("1 record dropped.").waitFor();
      await page.goto(`${service.url}/ui/#/destinations?name=app&cause=status`);
      receiver.behave(answers(200));
      await agree(page, "Try all again", "Try again");
      await until("it is delivered", () => receiver.received.some(({ body }) => body.includes('"m2"')));
      await page.goto(`${service.url}/ui/#/destinations?name=app`);
      await looksAgain(page, page.getByText("Nothing has failed that isn't delivered by now."));
      expect(receiver.received.filter(({ body }) => body.includes('"m1"')).length).toBe(1);
    });
  });

  test("a replay is counted before anything is sent, shows how far it is, and can be stopped", async () => {
    await withDestination({ order: "sender", timeoutMs: HOUR_MS }, async ({ page, receiver, service }) => {
      for (const id of ["m1", "m2", "m3"]) await service.post(message(id));
      await until("all are delivered", () => receiver.received.length === 3);
      // The first of the replay isn't answered, so the others of its sender wait behind it.
      receiver.behave(hangs);
      await page.getByRole("button", { name: "Replay…" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("What was received").selectOption("start");
      await dialog.getByRole("button", { name: "Count" }).click();
      await dialog.getByText("3 records would be sent to app again").waitFor();
      expect(await objectionsIn(page)).toEqual([]);
      // What is changed is counted anew.
      await dialog.getByLabel("Sender").fill("+nobody");
      await dialog.getByRole("button", { name: "Count" }).click();
      await dialog.getByText("Nothing matches.").waitFor();
      expect(receiver.received.filter(({ isReplay }) => isReplay)).toEqual([]);
      await dialog.getByLabel("Sender").fill("");
      await dialog.getByRole("button", { name: "Count" }).click();
      await dialog.getByRole("button", { name: "Send 3 records" }).click();
      await page.getByText("A replay of 3 records has begun.").waitFor();
      await page.getByRole("progressbar").waitFor();
      await page.getByRole("button", { name: /^Stop rp_/ }).click();
      await dialog.getByRole("button", { name: "Stop it" }).click();
      await page.getByRole("progressbar").waitFor({ state: "detached" });
      expect(receiver.received.filter(({ isReplay }) => isReplay).length).toBeLessThan(3);
    });
  });

  test("what can't be done is said in words, and one that is no more configured can be forgotten", async () => {
    await withDestination({}, async ({ page, service }) => {
      await page.route("**/pause", (route) => route.abort());
      await page.getByRole("button", { name: "Pause" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
      await page.getByRole("dialog").getByText("The service can't be reached.").waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      await service.replaceSources({}, []);
      await looksAgain(page, page.getByText("It isn't in the configuration file"));
      await agree(page, "Forget");
      await page.getByRole("heading", { name: "No destination yet" }).waitFor();
      expect(await objectionsIn(page)).toEqual([]);
    });
  });
});
