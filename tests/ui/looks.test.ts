/** Every page of the dashboard in both themes and three widths: nothing that axe objects to. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { destinationTo } from "../deliver/destination.ts";
import { answers, newReceiver, type Receiver } from "../deliver/receiver.ts";
import { launchBrowser } from "../gate/browser.ts";
import { META, metaPost, status, text } from "../http/meta-posts.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { isSkipped, openDashboard, TOKEN } from "./dashboard.ts";
import { objectionsIn } from "./objections.ts";

const WIDTHS = [375, 820, 1440];

/** By its address, what is there when it is drawn. */
const VIEWS: readonly (readonly [view: string, drawn: string])[] = [
  ["messages", ".row:not(.lacking)"],
  ["messages?q=message&source=native&range=30d", ".list-empty p"],
  ["messages?open=wa:1", ".json"],
  ["events", ".badge.bad"],
  ["events?open=EVENT", ".json"],
  ["conversations", ".sender-count:not(:empty)"],
  ["conversations?from=%2B14155550123", ".bubble"],
  ["overview", ".needs li"],
  ["sources", ".source-row .quiet"],
  ["sources?name=wa", ".source td"],
  ["destinations", "[data-destination=refuser]"],
  ["destinations?name=refuser", ".failure .raw"],
  ["destinations?name=halted", "[aria-label=halted] .notice"],
];

describe.skipIf(isSkipped)("looks", () => {
  let browser: Browser;
  let service: TestService;
  let receiver: Receiver;
  let eventId: string;
  beforeAll(async () => {
    browser = await launchBrowser();
    receiver = await newReceiver();
    receiver.behave((answer, received) =>
      answers(received.body.includes('"m0"') ? 500 : 200, {}, "no such hook")(answer, received),
    );
    const destinations = [
      destinationTo(receiver.url, { name: "refuser", order: "none", retryMs: [3_600_000] }),
      destinationTo(receiver.url, { name: "halted" }),
    ];
    service = await newService({ API_TOKEN: TOKEN }, { sources: { wa: META }, destinations });
    await service.get("/destinations/halted/pause", { method: "POST" });
    for (let index = 0; index < 30; index++)
      await service.post(message(`m${index}`, { text: `message ${index}` }));
    const error = { code: 131047, title: "Re-engagement", href: "https://developers.facebook.com/docs" };
    const failed = { ...status("1", "failed"), errors: [error] };
    await service.send("/webhook/wa", metaPost([text("1"), text("2")], [failed]));
    for (let index = 0; index < 12; index++) await service.send("/webhook/wa", { body: "{}" });
    const { data } = (await (await service.get("/events")).json()) as { data: { seq: number; ts: string }[] };
    eventId = `${data[0]?.seq}@${data[0]?.ts}`;
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
    await receiver.close();
  });

  test.each(["light", "dark"] as const)("nothing is objected to in the %s theme", async (colorScheme) => {
    const { page, complaints, close } = await openDashboard(browser, service.url, {
      ...{ colorScheme, signsIn: false, reducedMotion: "reduce" },
    });
    await page.getByLabel("API token").waitFor();
    const found = await objections(page, "sign-in");
    await page.getByLabel("API token").fill(TOKEN);
    await page.keyboard.press("Enter");
    await page.locator("header.frame nav").waitFor();
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 760 });
      for (const [view, drawn] of VIEWS) {
        await page.goto(`${service.url}/ui/#/${view.replace("EVENT", eventId)}`);
        await page.locator(drawn).first().waitFor();
        const beyond = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        if (beyond !== 0) found.push(`${view} at ${width}: wider than the screen by ${beyond}`);
        // What a width changes is where things are; colours and names are the same in all.
        if (width !== 820) found.push(...(await objections(page, `${view} at ${width}`)));
      }
    }
    await page.locator(".list-scroll, .thread-scroll, .source-scroll, .destination").first().focus();
    await page.keyboard.press("?");
    await page.getByRole("heading", { name: "Keys" }).waitFor();
    found.push(...(await objections(page, "help")));
    expect(found).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  test.each(["light", "dark"] as const)(
    "nor is anything where nothing is stored, in the %s theme",
    async (colorScheme) => {
      const empty = await newService();
      const { page, complaints, close } = await openDashboard(browser, empty.url, {
        ...{ colorScheme, signsIn: false, reducedMotion: "reduce" },
      });
      const found: string[] = [];
      for (const width of [390, 1440]) {
        await page.setViewportSize({ width, height: 760 });
        for (const [view, drawn] of [
          ["messages", "No message yet"],
          ["events", "No event yet"],
          ["conversations", "No message yet"],
          ["overview", "Nothing came in this hour."],
          ["sources", "nothing yet"],
          ["destinations", "No destination yet"],
          ["messages?q=nowhere", "No message matches."],
        ] as const) {
          await page.goto(`${empty.url}/ui/#/${view}`);
          await page.getByText(drawn).first().waitFor();
          found.push(...(await objections(page, `${view} at ${width}`)));
        }
      }
      expect(found).toEqual([]);
      expect(complaints).toEqual([]);
      await close();
      await empty.stop();
    },
  );

  test("on a phone a menu has the pages, by keyboard too", async () => {
    const { page, close } = await openDashboard(browser, service.url);
    await page.setViewportSize({ width: 390, height: 760 });
    // By then the page has put the focus where it begins.
    await page.locator(".row:not(.lacking)").first().waitFor();
    const menu = page.getByRole("navigation", { name: "Pages" });
    await menu.getByRole("button", { name: "Messages" }).focus();
    await page.keyboard.press("Enter");
    await menu.getByRole("link", { name: "Sources" }).waitFor();
    expect(await objections(page, "the menu of pages")).toEqual([]);
    const focused = () => page.evaluate("document.activeElement.textContent");
    for (let step = 0; step < 4; step++) await page.keyboard.press("Tab");
    expect(await focused()).toBe("Sources");
    expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
    await page.keyboard.press("Enter");
    await page.locator(".source-row").first().waitFor();
    expect(await menu.getByRole("link").count()).toBe(0);
    await menu.getByRole("button", { name: "Sources" }).click();
    await page.keyboard.press("Escape");
    expect(await focused()).toContain("Sources");
    expect(await menu.getByRole("link").count()).toBe(0);
    await close();
  });

  test("a theme that is chosen holds, and is there before the page is drawn", async () => {
    const { page, close } = await openDashboard(browser, service.url, { colorScheme: "light" });
    const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    const theme = page.getByRole("button", { name: /^Theme/ });
    await theme.click();
    await theme.click();
    expect(await theme.getAttribute("aria-label")).toBe("Theme: dark");
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload({ waitUntil: "commit" });
    await page.locator("body").waitFor({ state: "attached" });
    expect(await page.evaluate("document.documentElement.dataset.theme")).toBe("dark");
    await page.locator("header.frame nav").waitFor();
    expect(await ground()).toBe(dark);
    await close();
  });
});

async function objections(page: Page, where: string): Promise<string[]> {
  return (await objectionsIn(page)).map((each) => `${where}: ${each}`);
}
