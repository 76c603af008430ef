/** Overview and Sources in a browser: what they show of a service, and the test of a source. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { destinationTo } from "../deliver/destination.ts";
import { newReceiver, type Receiver } from "../deliver/receiver.ts";
import { launchBrowser } from "../gate/browser.ts";
import { META, metaPost, status, text } from "../http/meta-posts.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { isSkipped, looksAgain, openDashboard, TOKEN } from "./dashboard.ts";

const HOSTILE = `<img src=x onerror="document.title='owned'">\u202egnp`;
const secret = "a secret of the source that is long enough";
const SOURCES = {
  wa: META,
  code: { kind: "generic", preset: "github", secret },
  topic: { kind: "generic", preset: "sns", secret: "arn:aws:sns:eu-west-1:123456789012:orders" },
  sms: { kind: "twilio", secret, public_url: "https://hooks.example.com/webhook/sms" },
};

/** Numbers in tables that go over more than one line. */
const BROKEN_NUMBERS = `[...document.querySelectorAll("td.number")].flatMap((cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return range.getClientRects().length > 1 ? [cell.textContent] : [];
})`;

describe.skipIf(isSkipped)("overview and sources", () => {
  let browser: Browser;
  let service: TestService;
  let taker: Receiver;
  beforeAll(async () => {
    browser = await launchBrowser();
    taker = await newReceiver();
    const destinations = [destinationTo(taker.url, { name: "taker" })];
    service = await newService({ API_TOKEN: TOKEN }, { sources: SOURCES, destinations });
    for (let index = 0; index < 3; index++) await service.post(message(`m${index}`));
    await service.send(
      "/webhook/wa",
      metaPost([{ ...text("1"), from: HOSTILE }], [status("1"), status("2")]),
    );
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
    await taker.close();
  });
  const knock = () => service.send("/webhook/wa", { body: "{}", headers: { "Content-Type": "text/plain" } });

  test("the overview is calm, counts what comes in, and says what needs a hand and where", async () => {
    const { page, complaints, close } = await openDashboard(browser, service.url, { view: "overview" });
    await looksAgain(page, page.getByRole("heading", { name: "Nothing needs a hand" }));
    const legend = page.getByRole("list", { name: "Shown" });
    const shown = (name: string) => legend.getByRole("button", { name, exact: true });
    await looksAgain(page, shown("native 3"));
    await looksAgain(page, shown("wa 3"));
    const height = await page
      .locator(".figures")
      .evaluate((figures) => figures.getBoundingClientRect().height);
    for (let index = 0; index < 12; index++) await knock();
    await service.get("/destinations/taker/pause", { method: "POST" });
    // Nobody asks for it: the page looks by itself, within a minute even where answers are slow.
    await service.post(message("later"));
    await shown("native 4").waitFor({ timeout: 90_000 });
    const after = await page
      .locator(".figures")
      .evaluate((figures) => figures.getBoundingClientRect().height);
    expect(after).toBe(height);
    // By keyboard: the last minute that has something.
    await page.getByRole("group", { name: /arrow keys read it/ }).focus();
    const values = page.locator(".chart-values");
    await until("the minute with values is under the cursor", async () => {
      await page.keyboard.press("ArrowLeft");
      return /together[1-7]/.test((await values.textContent()) ?? "");
    });
    await page.getByText("As a table").click();
    await until("the same numbers as a table", async () => {
      const numbers = await page.locator(".chart-numbers td").allTextContents();
      return numbers.reduce((sum, each) => sum + Number(each), 0) === 7;
    });
    await legend.getByRole("button", { name: /^wa/ }).click();
    expect(await page.locator(".chart-numbers th.number").allTextContents()).toEqual(["native"]);
    await page.getByRole("button", { name: "Outcome" }).click();
    await legend.getByRole("button", { name: /^stored/ }).waitFor();
    expect(page.url()).toContain("by=result");
    await page.getByRole("button", { name: "30 days" }).click();
    await page.getByText("Requests a day (UTC)").first().waitFor();
    // A name that a sender chose stays text.
    await page.getByRole("link", { name: HOSTILE.slice(0, 20) }).waitFor();
    expect(await page.locator("img").count()).toBe(0);
    await page.reload();
    await page.getByText("The destination taker is paused").waitFor();
    await looksAgain(page, page.getByText("wa refuses more than usual: 12 in the last hour"));
    await page.getByText("Most often: the header X-Hub-Signature-256 is missing.").waitFor();
    await page.getByRole("link", { name: "Open: wa refuses" }).click();
    await page.getByRole("region", { name: "Source wa" }).waitFor();
    expect(await page.title()).toBe("Sources · Postern");
    expect(complaints).toEqual([]);
    await service.get("/destinations/taker/resume", { method: "POST" });
    await close();
  });

  test("names, clients and reasons stay text, however long, and widen nothing", async () => {
    const { page, close } = await openDashboard(browser, service.url, { signsIn: false });
    const at = new Date().toISOString();
    const long = HOSTILE + "x".repeat(300);
    const refusal = {
      ...{ at, source: long, client: long, reason: long },
      method: "POST",
      path: "/webhook/wa",
    };
    await page.route("**/stats/refusals*", (route) =>
      route.fulfill({ json: { data: Array.from({ length: 50 }, () => refusal) } }),
    );
    await page.route("**/stats/sources*", async (route) => {
      const answer = await (await route.fetch()).json();
      const [first] = answer.data;
      const many = { refused_last_hour: 50, last_hour: 47_524, last_day: 1_047_524 };
      const hostile = { ...first, source: long, quiet: true, configured: true, ...many };
      await route.fulfill({ json: { ...answer, data: [...answer.data, hostile] } });
    });
    await page.getByLabel("API token").fill(TOKEN);
    await page.keyboard.press("Enter");
    await page.locator("header.frame nav").waitFor();
    for (const width of [375, 1024, 1440]) {
      await page.setViewportSize({ width, height: 800 });
      for (const [view, drawn] of [
        ["overview", ".overview .reasons li"],
        [`sources?name=${encodeURIComponent(long)}`, ".source .reasons li"],
      ] as const) {
        await page.goto(`${service.url}/ui/#/${view}`);
        await page.locator(drawn).first().waitFor();
        for (const box of ["html", ".page-scroll", ".sources-scroll", ".source-scroll"])
          for (const each of await page.locator(box).all())
            expect(await each.evaluate((one) => one.scrollWidth - one.clientWidth)).toBe(0);
        expect(await page.evaluate(BROKEN_NUMBERS)).toEqual([]);
        expect(await page.locator("img").count()).toBe(0);
        expect(await page.getByText(HOSTILE.slice(0, 20)).count()).toBeGreaterThan(1);
      }
    }
    expect(await page.title()).toBe("Sources · Postern");
    await close();
  });

  test("a source shows its address, steps, refusals and proof, and takes a test", async () => {
    await knock();
    const { page, complaints, close } = await openDashboard(browser, service.url, {
      view: "sources?name=wa",
    });
    const source = page.getByRole("region", { name: "Source wa" });
    await source.getByText(`${service.url}/webhook/wa`).waitFor();
    await source.getByText("Add the product Webhooks").waitFor();
    await source.getByText("every byte of the body").waitFor();
    await looksAgain(
      page,
      source.getByRole("cell", { name: "the header X-Hub-Signature-256 is missing" }).first(),
    );
    await source.getByRole("cell", { name: "127.0.0.1" }).first().waitFor();
    await source.getByRole("button", { name: "Send a test" }).click();
    await source.getByText("Taken in with 200").waitFor();
    await source.getByRole("link", { name: "1 message" }).click();
    await page.getByText("This is a test of the source wa, sent by Postern itself.").last().waitFor();
    // A preset that knows no messages takes an event.
    await page.goto(`${service.url}/ui/#/sources?name=code`);
    const code = page.getByRole("region", { name: "Source code" });
    await code.getByRole("button", { name: "Send a test" }).click();
    await code.getByRole("link", { name: "1 event" }).click();
    await page.locator(".row:not(.lacking)").waitFor();
    await page.goto(`${service.url}/ui/#/sources?name=topic`);
    await page.getByText("only the sender has the key that signs").waitFor();
    expect(await page.getByRole("button", { name: "Send a test" }).count()).toBe(0);
    await page.goto(`${service.url}/ui/#/sources?name=sms`);
    await page.getByText("https://hooks.example.com/webhook/sms").waitFor();
    await page.keyboard.press("k");
    await page.getByRole("region", { name: "Source topic" }).waitFor();
    // No secret comes to the page.
    expect(await page.content()).not.toContain(secret);
    // A configuration that is read anew is followed.
    await service.replaceSources({ wa: META });
    await looksAgain(page, page.getByText("configured no more").first());
    expect(complaints).toEqual([]);
    await close();
  });
});
