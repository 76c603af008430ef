/** The dashboard's conversations in a browser: who wrote last, as they write, and to the end. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { launchBrowser } from "../gate/browser.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { type Dashboard, isSkipped, openDashboard, shownRows, TOKEN } from "./dashboard.ts";
import { objectionsIn } from "./objections.ts";

const MANY = 400;

const second = (index: number) => new Date(1_700_000_000_000 + index * 1000).toISOString();
const numberOf = (index: number) => `+49${1000 + index}`;

describe.skipIf(isSkipped)("conversations", () => {
  let browser: Browser;
  let service: TestService;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  /** With so many senders of two messages each, the latest of which is the last one. */
  async function withSenders(count: number, run: (dashboard: Dashboard) => Promise<void>) {
    service = await newService({ API_TOKEN: TOKEN });
    const sent = Array.from({ length: 2 * count }, (_, index) =>
      message(`m${index}`, { from: numberOf(index % count), ts: second(index), text: `text ${index}` }),
    );
    for (let first = 0; first < sent.length; first += 50)
      await Promise.all(sent.slice(first, first + 50).map((each) => service.post(each)));
    const dashboard = await openDashboard(browser, service.url, { view: "conversations" });
    await dashboard.page.locator(".connection.live").waitFor();
    await run(dashboard);
    expect(dashboard.complaints).toEqual([]);
    await dashboard.close();
    await service.stop();
  }

  /** Senders with their counts, as they are shown, from the top. */
  const shown = (page: Page) => shownRows(page, ".sender-name", ".sender-count");
  const untilShown = (page: Page, expected: readonly string[]) =>
    until(expected.join(", "), async () =>
      Bun.deepEquals((await shown(page)).slice(0, expected.length), expected),
    );

  test("whoever writes moves to the front with one message more, and new senders come in", async () => {
    await withSenders(4, async ({ page }) => {
      await untilShown(page, ["+491003 2", "+491002 2", "+491001 2", "+491000 2"]);
      await page
        .locator(".row")
        .filter({ hasText: numberOf(1) })
        .click();
      await page.locator(".bubble").filter({ hasText: "text 5" }).waitFor();
      await service.post(message("again", { from: numberOf(1), ts: second(100), text: "once more" }));
      await untilShown(page, ["+491001 3", "+491003 2", "+491002 2", "+491000 2"]);
      await page.locator(".bubble").filter({ hasText: "once more" }).waitFor();
      await page.locator(".row.open .sender-text").filter({ hasText: "once more" }).waitFor();
      // A message that is older than the sender's last one counts, and moves nobody.
      await service.post(message("old", { from: numberOf(0), ts: second(-5) }));
      await service.post(message("new", { from: "+1", ts: second(101) }));
      await untilShown(page, ["+1 1", "+491001 3", "+491003 2", "+491002 2", "+491000 3"]);
      await page.getByText("5 senders").waitFor();
      // From the open one, which is the second now.
      await page.locator(".row.open[aria-selected=true]").waitFor();
      await page.locator(".list-scroll").focus();
      await page.keyboard.press("j");
      await page.locator(".bubble").filter({ hasText: "text 7" }).waitFor();
      await page.keyboard.press("Escape");
      await page.getByText("Choose a sender").waitFor();
      expect(await objectionsIn(page)).toEqual([]);
    });
  });

  test("the keyboard goes on from the last sender, though another one is open before", async () => {
    await withSenders(MANY, async ({ page }) => {
      const said = (text: string) => page.locator(".bubble-text").getByText(text, { exact: true }).waitFor();
      await page
        .locator(".row")
        .filter({ hasText: numberOf(MANY - 1) })
        .click();
      await said(`text ${MANY - 1}`);
      await page.locator(".list-scroll").focus();
      // What is selected is opened, also where it has to be read first.
      await page.keyboard.press("End");
      await said("text 0");
      await page.keyboard.press("k");
      await said("text 1");
    });
  });

  test("a part of the number finds its senders, live, and the address keeps it", async () => {
    await withSenders(30, async ({ page }) => {
      await page.keyboard.press("/");
      await page.keyboard.type("102");
      await page.getByText("10 senders").waitFor();
      await untilShown(page, ["+491029 2"]);
      await service.post(message("other", { from: "+15", ts: second(200) }));
      await service.post(message("found", { from: "+102", ts: second(201) }));
      await untilShown(page, ["+102 1", "+491029 2"]);
      await page.getByText("11 senders").waitFor();
      await page.reload();
      await page.getByText("11 senders").waitFor();
      expect(await page.getByRole("searchbox").inputValue()).toBe("102");
      await page.getByRole("searchbox").fill("none");
      await page.getByText("No sender matches.").waitFor();
    });
  });

  test("all senders are there to the last one, and who has scrolled down is told who wrote", async () => {
    await withSenders(MANY, async ({ page }) => {
      await page.getByText(`${MANY} senders`).waitFor();
      await page.locator(".list-scroll").focus();
      await page.keyboard.press("End");
      await until("the last ones", async () => (await shown(page)).at(-1) === "+491000 2");
      for (let step = 0; step < 12; step++) await page.keyboard.press("PageUp");
      await until("one stretch without a gap", async () => {
        const numbers = (await shown(page)).map((row) => Number(row.slice(1, 7)));
        if (numbers.length < 10 || (await page.locator(".row.lacking").count()) > 0) return false;
        return numbers.every((number, index) => number === (numbers[0] as number) - index);
      });
      const before = await shown(page);
      for (const [index, from] of [numberOf(3), numberOf(390), numberOf(3), "+1"].entries())
        await service.post(message(`late${index}`, { from, ts: second(5000 + index) }));
      const pending = page.getByRole("button", { name: "3 new" });
      await pending.waitFor();
      expect(await shown(page)).toEqual(before);
      await pending.click();
      await untilShown(page, ["+1 1", "+491003 4", "+491390 3", "+491399 2"]);
      await page.getByText(`${MANY + 1} senders`).waitFor();
    });
  });
});
