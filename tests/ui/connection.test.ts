/** The dashboard while the service can't be reached, and after. */
import { describe, expect, test } from "bun:test";
import { newDatabase } from "../databases/database.ts";
import { launchBrowser } from "../gate/browser.ts";
import { newService } from "../http/service.ts";
import { message } from "../messages.ts";
import { isSkipped, openDashboard, shows, TOKEN } from "./dashboard.ts";
import { newWire } from "./wire.ts";

const second = (index: number) => new Date(1_700_000_000_000 + index * 1000).toISOString();

describe.skipIf(isSkipped)("the connection", () => {
  test("is lost and comes back, the service starts anew, and nothing is missing or doubled", async () => {
    const database = await newDatabase();
    let service = await newService({ API_TOKEN: TOKEN }, { database });
    const wire = await newWire(service.port);
    const browser = await launchBrowser();
    const { page, complaints, close } = await openDashboard(browser, wire.url);
    await page.locator(".connection.live").waitFor();
    let sent = 0;
    const send = async (count: number) => {
      for (let more = 0; more < count; more++, sent++)
        await service.post(message(`m${sent}`, { ts: second(sent), text: `message ${sent}` }));
    };
    const all = () => Array.from({ length: sent }, (_, index) => `message ${sent - 1 - index}`);
    const allAreShown = async () => {
      await page.getByText(`${sent} messages`, { exact: true }).waitFor();
      await shows(page, all());
    };
    await send(2);
    await allAreShown();
    wire.cut();
    await page.locator(".connection.lost").waitFor();
    await send(3);
    wire.mend(service.port);
    await allAreShown();
    await page.locator(".connection.live").waitFor();
    await service.stop();
    await page.locator(".connection.lost").waitFor();
    service = await newService({ API_TOKEN: TOKEN }, { database });
    await send(4);
    wire.mend(service.port);
    await allAreShown();
    await send(1);
    await allAreShown();
    expect(complaints).toEqual([]);
    await close();
    await browser.close();
    await wire.close();
    await service.stop();
    await database.drop();
  });

  test("a service that isn't there yet is told in words, and found by itself", async () => {
    const service = await newService();
    await service.post(message("m1", { text: "found" }));
    const wire = await newWire(service.port);
    const browser = await launchBrowser();
    const { page, close } = await openDashboard(browser, wire.url, { signsIn: false });
    await page.getByText("found").waitFor();
    await page.route("**/ui/session", (route) => route.abort());
    await page.reload();
    await page.getByRole("alert").filter({ hasText: "The service can't be reached." }).waitFor();
    await page.unroute("**/ui/session");
    await page.getByText("found").waitFor();
    await close();
    await browser.close();
    await wire.close();
    await service.stop();
  });
});
