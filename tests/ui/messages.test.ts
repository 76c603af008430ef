/** The dashboard's lists in a browser: what comes in, what is searched, what is far away. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { parseDatabaseUrl } from "../../src/core/database-url.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { newDatabase } from "../databases/database.ts";
import { destinationTo } from "../deliver/destination.ts";
import { answers, newReceiver } from "../deliver/receiver.ts";
import { launchBrowser } from "../gate/browser.ts";
import { META, metaPost, status, text } from "../http/meta-posts.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { type Dashboard, isSkipped, openDashboard, shownTexts, shows, TOKEN } from "./dashboard.ts";

const MANY = 300_000;
const BATCH = 10_000;

const second = (index: number) => new Date(1_700_000_000_000 + index * 1000).toISOString();

describe.skipIf(isSkipped)("messages", () => {
  let browser: Browser;
  let service: TestService;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  /** With so many messages, a second apart, the latest of which is the last one. */
  async function withMessages(count: number, run: (dashboard: Dashboard) => Promise<void>, view = "") {
    service = await newService({ API_TOKEN: TOKEN }, { sources: { wa: META } });
    for (let index = 0; index < count; index++)
      await service.post(message(`m${index}`, { ts: second(index), text: `message ${index}` }));
    const dashboard = await openDashboard(browser, service.url, { view });
    await run(dashboard);
    expect(dashboard.complaints).toEqual([]);
    await dashboard.close();
    await service.stop();
  }

  test("what comes in shows at once, in its place, in two tabs", async () => {
    await withMessages(3, async ({ page }) => {
      const other = await page.context().newPage();
      await other.goto(page.url());
      for (const tab of [page, other]) {
        await tab.locator(".connection.live").waitFor();
        await tab.getByText("message 2").waitFor();
      }
      await service.post(message("new", { ts: second(9), text: "the latest" }));
      // Sent earlier than others, and received now.
      await service.post(message("late", { ts: "2023-11-14T22:13:20.500Z", text: "sent between" }));
      for (const tab of [page, other]) {
        await shows(tab, ["the latest", "message 2", "message 1", "sent between", "message 0"]);
        await tab.getByText("5 messages").waitFor();
      }
    });
  });

  test("who has scrolled down isn't moved, and is told quietly what is new", async () => {
    await withMessages(60, async ({ page }) => {
      await page.locator(".connection.live").waitFor();
      const first = page.locator(".row").filter({ hasText: "message 40" });
      const y = async () => (await first.boundingBox())?.y ?? Number.NaN;
      const unscrolled = await y();
      await page.mouse.move(300, 400);
      await page.mouse.wheel(0, 600);
      await until("the wheel to have turned", async () => (await y()) === unscrolled - 600);
      for (const id of ["n1", "n2"]) await service.post(message(id, { ts: second(99), text: `new ${id}` }));
      const pending = page.getByRole("button", { name: "2 new" });
      await pending.waitFor();
      expect(await y()).toBe(unscrolled - 600);
      await pending.click();
      await until("the new ones are on top", async () =>
        Bun.deepEquals((await shownTexts(page)).slice(0, 3), ["new n2", "new n1", "message 59"]),
      );
      await pending.waitFor({ state: "detached" });
    });
  });

  test("search marks what it finds, and an older answer never takes the place of a newer one", async () => {
    await withMessages(3, async ({ page }) => {
      await service.post(message("s1", { ts: second(50), text: "ΟΔΟΣ und Straße" }));
      await page.getByText("4 messages").waitFor();
      // The first question would be answered last.
      await page.route(/\/messages\?.*q=stra&/, () => undefined);
      const dropped = page.waitForEvent("requestfailed", (request) => request.url().includes("q=stra&"));
      const asked = page.waitForRequest(/q=stra&/);
      await page.keyboard.press("/");
      await page.keyboard.type("stra");
      await asked;
      await page.keyboard.type("ße");
      await page.locator("mark").filter({ hasText: "Straße" }).waitFor();
      await dropped;
      expect(await page.locator("mark").allTextContents()).toEqual(["Straße"]);
      await page.getByRole("searchbox").fill("οδος");
      await page.locator("mark").filter({ hasText: "ΟΔΟΣ" }).waitFor();
      // What matches shows while it comes in.
      await service.post(message("s2", { ts: second(60), text: "another οδός, and a plain ΟΔΟΣ" }));
      await page.getByText("2 messages").waitFor();
    });
  });

  test("an address shows somebody else the same view", async () => {
    await withMessages(8, async ({ page }) => {
      await service.post(message("other", { from: "+4930", ts: second(3), text: "from Berlin" }));
      await page.getByRole("button", { name: "Filter", exact: true }).click();
      await page.getByLabel("Sender").fill("+4930");
      await page.getByRole("button", { name: "Apply" }).click();
      await page.getByText("1 message", { exact: true }).waitFor();
      await page.locator(".row").filter({ hasText: "from Berlin" }).click();
      const drawer = page.getByRole("complementary", { name: "Message" });
      await drawer.getByText("other", { exact: true }).waitFor();
      const colleague = await openDashboard(browser, service.url, { view: page.url().split("#/")[1] ?? "" });
      await colleague.page
        .getByRole("complementary", { name: "Message" })
        .getByText("other", { exact: true })
        .waitFor();
      await colleague.page.getByText("1 message", { exact: true }).waitFor();
      await shows(colleague.page, ["from Berlin"]);
      await colleague.close();
      await page.goBack();
      await drawer.waitFor({ state: "detached" });
      await page.goBack();
      await page.getByText("9 messages").waitFor();
    });
  });

  test("texts stay texts, whatever is in them", async () => {
    const hostile = [
      `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`,
      "\u202egnp.exe \u2066evil\u2069 \u200f\u061c",
      "👩‍👩‍👧‍👦".repeat(585),
      "\u001b[31mred\u001b[0m\u0007 \u001b]8;;http://evil.example\u0007link",
      "a\u0301".repeat(1000),
      "x".repeat(4096),
    ];
    await withMessages(0, async ({ page }) => {
      for (const [index, sent] of hostile.entries())
        await service.post(message(`h${index}`, { ts: second(index), text: sent }));
      await page.getByText(`${hostile.length} messages`).waitFor();
      for (const [index, sent] of hostile.entries()) {
        await page.goto(`${service.url}/ui/#/messages?open=h${index}`);
        const shown = page.locator(".message-text");
        await until("the text is shown", async () => (await shown.textContent()) === sent);
        expect(await shown.locator("*").count()).toBe(0);
        // Nothing in it reaches the fields below, or widens the page.
        await page.getByText("+919876543210").last().waitFor();
        expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
      }
      expect(await page.title()).toBe("Messages · Postern");
      const bars = await page.locator(".row").evaluateAll((rows) => rows.map((row) => row.clientHeight));
      expect(new Set(bars).size).toBe(1);
    });
  });

  test("a message shows all that is known of it, and what a provider says went wrong", async () => {
    await withMessages(0, async ({ page }) => {
      const failed = {
        ...status("1", "failed", "1700000009"),
        errors: [{ code: 131047, title: "Re-engagement message", error_data: { details: "24 hours" } }],
      };
      await service.send("/webhook/wa", metaPost([text("1", "hello"), text("2", "again")], [status("1")]));
      await page.getByText("2 messages").waitFor();
      await page.locator(".row").filter({ hasText: "hello" }).click();
      const drawer = page.getByRole("complementary", { name: "Message" });
      await drawer.getByText("delivered").waitFor();
      // It comes while the message is open.
      await service.send("/webhook/wa", metaPost([], [failed]));
      await drawer.getByText("Re-engagement message. 24 hours").waitFor();
      await drawer.getByText("131047").waitFor();
      await drawer.getByRole("button", { name: "again" }).waitFor();
      await drawer.getByLabel("Search in the body").fill("HELLO");
      await drawer.locator(".json mark").waitFor();
      expect(await drawer.locator(".json mark").textContent()).toBe("hello");
      await drawer.getByText("The request it came in").click();
      await drawer.getByText("It brought 3 new records:").waitFor();
      await drawer.getByLabel("Search in the whole body").fill("whatsapp_business");
      await drawer.locator(".came-in .json mark").waitFor();
      await drawer.getByRole("link", { name: "wa:2" }).click();
      // It stays open where one goes on to what came with it.
      await drawer.locator('.came-in [aria-current="true"]').getByText("wa:2").waitFor();
      await drawer.locator(".came-in-records li").filter({ hasText: "delivered" }).getByRole("link").click();
      const event = page.getByRole("complementary", { name: "Event" });
      await event.getByText("1:delivered", { exact: true }).waitFor();
      await event.getByText("The request it came in").click();
      await event.locator('.came-in [aria-current="true"]').waitFor();
      await event.getByRole("link", { name: "wa:1" }).first().click();
      await drawer.getByRole("link", { name: "As events" }).click();
      await page.locator(".badge.bad").waitFor();
      await page.locator(".row").filter({ hasText: "131047" }).click();
      await page.getByRole("complementary", { name: "Event" }).getByText("wa:1", { exact: true }).waitFor();
      await page.getByRole("link", { name: "Conversations" }).click();
      await page.locator(".row").filter({ hasText: "+14155550123" }).click();
      await page.locator(".bubble").filter({ hasText: "hello" }).waitFor();
      await service.send("/webhook/wa", metaPost([text("3", "once more", "1700000100")]));
      await page.locator(".bubble").filter({ hasText: "once more" }).waitFor();
    });
  });

  test("a message says which destinations have it, and why one has not", async () => {
    const gone = await newReceiver();
    gone.behave(answers(500, {}, "no such hook"));
    const taker = await newReceiver();
    const destinations = [
      destinationTo(taker.url, { name: "taker" }),
      destinationTo(gone.url, { name: "refuser" }),
      destinationTo(taker.url, { name: "stranger", sources: ["wa"] }),
    ];
    const handing = await newService({ API_TOKEN: TOKEN }, { sources: { wa: META }, destinations });
    await handing.post(message("m1"));
    await until("both were asked", () => taker.received.length > 0 && gone.received.length > 0);
    const view = "messages?open=m1";
    const { page, close } = await openDashboard(browser, handing.url, { view });
    const deliveries = page.locator(".deliveries");
    await deliveries.getByText("taker").waitFor();
    await until("the page says so", async () => {
      const text = (await deliveries.textContent()) ?? "";
      const said =
        /refuser given up: answered 500, 5 attempts.*stranger left out: it takes what comes from wa alone.*taker handed on$/s;
      if (said.test(text)) return true;
      await page.reload();
      await deliveries.waitFor();
      return false;
    });
    await close();
    await handing.stop();
    await Promise.all([gone.close(), taker.close()]);
  });

  test("what is filtered is exported as it is, in CSV and NDJSON", async () => {
    await withMessages(120, async ({ page }) => {
      await service.post(message("q", { ts: second(500), text: 'with "quotes",\nlines' }));
      await page.goto(`${service.url}/ui/#/messages?since=${second(20)}`);
      for (const [index, hostile] of ["=1+1", "+1+1", "-1", "@SUM(1)"].entries())
        await service.post(message(`f${index}`, { ts: second(501 + index), text: hostile }));
      await page.getByText("105 messages").waitFor();
      const saved = async (format: string) => {
        await page.getByRole("button", { name: "Export" }).click();
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          page.getByRole("button", { name: format }).click(),
        ]);
        return Buffer.from(await Bun.file(await download.path()).bytes()).toString();
      };
      const lines = (await saved("NDJSON")).trimEnd().split("\n");
      expect(lines.map((line) => JSON.parse(line).message_id)).toEqual([
        ...Array.from({ length: 100 }, (_, index) => `m${index + 20}`),
        ...["q", "f0", "f1", "f2", "f3"],
      ]);
      const csv = await saved("CSV");
      expect(csv).toStartWith("\ufeffmessage_id,from,to,ts,text\r\n");
      expect(csv).toContain(',"with ""quotes"",\nlines"\r\n');
      // A spreadsheet would reckon with the text of a stranger; with a number it may.
      const texts = csv.trimEnd().split("\r\n").slice(-4);
      expect(texts.map((line) => line.split(",").at(-1))).toEqual(["'=1+1", "'+1+1", "-1", "'@SUM(1)"]);
      expect(texts[0]?.split(",")[1]).toMatch(/^\+\d+$/);
    });
  });
});

describe.skipIf(isSkipped)("300,000 messages", () => {
  test("are paged to the end, from everywhere, and no row is doubled or left out", async () => {
    const database = await newDatabase();
    const url = parseDatabaseUrl(database.url);
    if (url === undefined) throw new Error("no database");
    const store = await openForTest(url);
    for (let from = 0; from < MANY; from += BATCH)
      await store.append({
        messages: Array.from({ length: BATCH }, (_, offset) =>
          message(`m${from + offset}`, { ts: second(from + offset), text: `message ${from + offset}` }),
        ),
      });
    await store.close();
    const service = await newService({ API_TOKEN: TOKEN }, { database });
    const browser = await launchBrowser();
    const { page, complaints, close } = await openDashboard(browser, service.url);
    /** What is shown is one stretch of the list, without a gap, and begins in this range. */
    const stretch = (from: number, to: number) =>
      until(`rows from ${from} to ${to}`, async () => {
        const numbers = (await shownTexts(page)).map((shown) => Number(shown.split(" ")[1]));
        const lacking = await page.locator(".row.lacking").count();
        const [first = -1] = numbers;
        if (lacking > 0 || first < from || first > to) return false;
        expect(numbers).toEqual(numbers.map((_, index) => first - index));
        expect(numbers.length).toBeGreaterThan(15);
        return true;
      });
    const top = () => page.locator(".list-scroll").evaluate((box) => box.scrollTop);
    /** Keys and wheels go on for a moment, and would take back a jump. */
    const atRest = () =>
      until("the list to be at rest", async () => {
        const before = await top();
        await Bun.sleep(200);
        return (await top()) === before;
      });
    // It may still be derived.
    await page.getByText("300,000 messages").waitFor({ timeout: 60_000 });
    await stretch(MANY - 1, MANY - 1);
    await page.keyboard.press("End");
    await page.getByText("message 0", { exact: true }).waitFor();
    await stretch(15, 40);
    // Up from the end, over more pages than one.
    for (let step = 0; step < 16; step++) await page.keyboard.press("PageUp");
    await atRest();
    await stretch(200, 400);
    // A jump into the middle, up and down from there.
    await page.locator(".list-scroll").evaluate((box) => box.scrollTo(0, box.scrollHeight / 2));
    await stretch(MANY / 2 - 100, MANY / 2 + 100);
    await page.mouse.move(300, 400);
    await page.mouse.wheel(0, -6000);
    await atRest();
    await stretch(MANY / 2 + 100, MANY / 2 + 300);
    await page.mouse.wheel(0, 16_000);
    await atRest();
    await stretch(MANY / 2 - 500, MANY / 2 - 200);
    await page.keyboard.press("Home");
    await stretch(MANY - 1, MANY - 1);
    expect(complaints).toEqual([]);
    await close();
    await browser.close();
    await service.stop();
    await database.drop();
  });
});
