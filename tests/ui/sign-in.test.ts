/** Signing in to the dashboard and out, in a browser. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { launchBrowser } from "../gate/browser.ts";
import { prefixProxy } from "../http/prefix-proxy.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { isSkipped, openDashboard, shows, signIn, TOKEN } from "./dashboard.ts";

describe.skipIf(isSkipped)("signing in", () => {
  let browser: Browser;
  let service: TestService;
  beforeAll(async () => {
    browser = await launchBrowser();
    service = await newService({ API_TOKEN: TOKEN });
    await service.post(message("m1", { text: "what is there" }));
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });

  test("a wrong token is told so, the right one shows the messages, and signing out hides them", async () => {
    const { page, complaints, close } = await openDashboard(browser, service.url, { signsIn: false });
    await page.getByLabel("API token").fill("a wrong token");
    expect(await page.title()).toBe("Postern");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "That isn't the token." }).waitFor();
    await signIn(page);
    await shows(page, ["what is there"]);
    // What a script could read holds neither the token nor the session.
    const kept = await page.evaluate("document.cookie + JSON.stringify(Object.entries(localStorage))");
    expect(kept).toBe("[]");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API token").waitFor();
    expect(await page.locator(".row").count()).toBe(0);
    await page.reload();
    await page.getByLabel("API token").waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test("who signs out in one tab is signed out in the others, which nobody touches", async () => {
    const { page, close } = await openDashboard(browser, service.url);
    const other = await page.context().newPage();
    await other.goto(page.url());
    for (const tab of [page, other]) await tab.locator(".connection.live").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await other.getByLabel("API token").waitFor();
    expect(await other.locator(".row").count()).toBe(0);
    await close();
  });

  test("a session that is over leads to the sign-in, and from there back to the view", async () => {
    const view = "messages?q=there";
    const { page, close } = await openDashboard(browser, service.url, { view });
    await page.locator("mark").waitFor();
    // A stream that begins without a session would lead to the sign-in by itself.
    await page.locator(".connection.live").waitFor();
    await page.context().clearCookies();
    await page.getByRole("searchbox").fill("there is");
    await page.getByLabel("API token").waitFor();
    await signIn(page);
    await page.getByText("No message matches.").waitFor();
    await page.getByRole("searchbox").fill("what");
    await page.locator("mark").filter({ hasText: "what" }).waitFor();
    await close();
  });

  test("behind a proxy's prefix everything works, and the session is for that prefix alone", async () => {
    const proxy = prefixProxy(service.url);
    const { page, complaints, close } = await openDashboard(browser, proxy.url, { signsIn: false });
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(`${proxy.url}/`);
    await signIn(page);
    await shows(page, ["what is there"]);
    expect((await page.context().cookies()).map(({ path }) => path)).toEqual(["/hooks/"]);
    expect(asked.filter((path) => !path.startsWith("/hooks/"))).toEqual([]);
    expect(asked.length).toBeGreaterThan(5);
    expect(complaints).toEqual([]);
    await close();
    await proxy.stop();
  });

  test("without a token it is open, and says so", async () => {
    const open = await newService();
    const { page, close } = await openDashboard(browser, open.url, { signsIn: false });
    await page.getByText("no token set").waitFor();
    await page.getByRole("heading", { name: "No message yet" }).waitFor();
    await open.post(message("m1", { text: "the first one" }));
    await page.getByText("the first one").waitFor();
    await close();
    await open.stop();
  });
});
