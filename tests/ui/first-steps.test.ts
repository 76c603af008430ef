/** What the dashboard tells whoever has no message yet: what it says has to work as it stands. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { launchBrowser } from "../gate/browser.ts";
import { META } from "../http/meta-posts.ts";
import { newService, SECRET } from "../http/service.ts";
import { freePort } from "../postgres/kept-process.ts";
import { isSkipped, openDashboard, shows, TOKEN } from "./dashboard.ts";

describe.skipIf(isSkipped)("first steps", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test.each([
    ["the one port", {}],
    ["READ_PORT", { READ_PORT: String(freePort()) }],
  ])("with %s the command sends the first message, and it shows", async (_, settings) => {
    const service = await newService({ API_TOKEN: TOKEN, ...settings });
    const { page, complaints, close } = await openDashboard(browser, service.readUrl);
    const command = await page.locator("pre").filter({ hasText: "curl" }).textContent();
    const sent = Bun.spawn(["sh", "-c", command ?? ""], {
      env: { ...process.env, WEBHOOK_SECRET: SECRET, PORT: String(service.port) },
      ...{ stdout: "pipe", stderr: "pipe" },
    });
    expect(JSON.parse(await new Response(sent.stdout).text())).toMatchObject({ status: "ok" });
    await shows(page, ["Hello"]);
    expect(complaints).toEqual([]);
    await close();
    await service.stop();
  });

  test("a provider's first steps are told where none is configured, else where its own are", async () => {
    const service = await newService({ API_TOKEN: TOKEN });
    const { page, close } = await openDashboard(browser, service.url);
    const steps = page.locator(".first-steps");
    await steps.getByText("kind: meta").waitFor();
    await service.replaceSources({ wa: META });
    await page.reload();
    await steps.getByText("the address of each provider that is configured").waitFor();
    expect(await steps.getByText("kind: meta").count()).toBe(0);
    await close();
    await service.stop();
  });
});
