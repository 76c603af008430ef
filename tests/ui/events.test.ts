/** The dashboard's page of events in a browser: searched, filtered, followed and exported. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { launchBrowser } from "../gate/browser.ts";
import { META, metaPost, status } from "../http/meta-posts.ts";
import { newService, type TestService } from "../http/service.ts";
import { isSkipped, openDashboard, shows as showsRows, TOKEN } from "./dashboard.ts";

/** Their bodies are together more than one answer has. */
const LARGE = 18;
const LARGE_CHARS = 1_000_000;

const at = (index: number) => String(1_700_000_000 + index);

describe.skipIf(isSkipped)("events", () => {
  let browser: Browser;
  let service: TestService;
  beforeAll(async () => {
    browser = await launchBrowser();
    service = await newService({ API_TOKEN: TOKEN }, { sources: { wa: META } });
    const states = ["sent", "delivered", "read"];
    const statuses = states.flatMap((state, step) =>
      ["1", "2"].map((id) => status(id, state, at(2 * step + Number(id)))),
    );
    await service.send("/webhook/wa", metaPost([], statuses));
    await service.send("/webhook/wa", metaPost([], [{ ...status("3", "failed", at(9)), note: "Größe" }]));
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });

  async function onEvents(view: string, run: (page: Page) => Promise<void>) {
    const { page, complaints, close } = await openDashboard(browser, service.url, { view });
    await run(page);
    expect(complaints).toEqual([]);
    await close();
  }

  /** What the rows say happened, and to what, once it is this. */
  const shows = (page: Page, rows: readonly string[]) => showsRows(page, rows, ".cell-what", ".cell-about");

  test("a search finds what bodies hold, as one types, and what comes in meanwhile", async () => {
    await onEvents("events", async (page) => {
      await page.getByText("7 events").waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type("GRÖßE");
      await shows(page, ["failed wa:3"]);
      expect(new URL(page.url()).hash).toBe(`#/events?q=${encodeURIComponent("GRÖßE")}`);
      await service.send(
        "/webhook/wa",
        metaPost([], [{ ...status("5", "failed", at(20)), note: "größe" }, status("6", "sent", at(21))]),
      );
      await shows(page, ["failed wa:5", "failed wa:3"]);
      // The field is left, and says what is shown.
      await page.keyboard.press("Escape");
      expect(await page.evaluate("document.activeElement.tagName")).toBe("BODY");
      expect(await page.getByLabel("Search events").inputValue()).toBe("GRÖßE");
      await page.getByLabel("Search events").fill("nowhere to be found");
      await page.getByText("No event matches.").waitFor();
      await page.getByRole("button", { name: "Show all" }).click();
      await page.getByText("9 events").waitFor();
      expect(await page.getByLabel("Search events").inputValue()).toBe("");
      expect(new URL(page.url()).hash).toBe("#/events");
    });
  });

  test("one type is left by the filter, as it comes in too, and its chip takes it away", async () => {
    await onEvents("events", async (page) => {
      await page.getByRole("button", { name: "Filter", exact: true }).click();
      await page.getByLabel("Type").fill("messages.status.read");
      await page.getByRole("button", { name: "Apply" }).click();
      await shows(page, ["read wa:2", "read wa:1"]);
      expect(new URL(page.url()).hash).toBe("#/events?type=messages.status.read");
      await service.send(
        "/webhook/wa",
        metaPost([], [status("8", "delivered", at(30)), status("8", "read", at(31))]),
      );
      await shows(page, ["read wa:8", "read wa:2", "read wa:1"]);
      await page.reload();
      await shows(page, ["read wa:8", "read wa:2", "read wa:1"]);
      await page.getByRole("button", { name: "Remove the filter Type" }).click();
      await page.locator(".row").getByText("wa:6").waitFor();
    });
  });

  test("what is filtered is exported, in NDJSON with every body however large they are", async () => {
    const note = "x".repeat(LARGE_CHARS);
    for (let index = 0; index < LARGE; index++)
      await service.send(
        "/webhook/wa",
        metaPost([], [{ ...status(`l${index}`, "played", at(40 + index)), note }]),
      );
    await onEvents("events?type=messages.status.played", async (page) => {
      await page.getByText(`${LARGE} events`).waitFor();
      const saved = async (format: string) => {
        await page.getByRole("button", { name: "Export" }).click();
        const [download] = await Promise.all([
          // Of many answers, each of many megabytes.
          page.waitForEvent("download", { timeout: 60_000 }),
          page.getByRole("button", { name: format }).click(),
        ]);
        return (await Bun.file(await download.path()).text()).trimEnd().split(/\r?\n/);
      };
      const events = (await saved("NDJSON")).map((line) => JSON.parse(line));
      expect(events.map(({ message_id }) => message_id)).toEqual(
        Array.from({ length: LARGE }, (_, index) => `wa:l${index}`),
      );
      expect(events.filter(({ body }) => JSON.parse(body).note === note)).toHaveLength(LARGE);
      const [head, first, ...others] = await saved("CSV");
      expect(head).toBe("seq,ts,created_at,source,kind,type,event_key,message_id");
      expect(first).toMatch(
        /^\d+,2023-11-14T22:14:00Z,[^,]+Z,wa,status,messages.status.played,l0:played,wa:l0$/,
      );
      expect(others).toHaveLength(LARGE - 1);
    });
  });

  test("an event is opened by its address, however many there are of its second", async () => {
    const same = Array.from({ length: 130 }, (_, index) => status(`same${index}`, "accepted", at(5000)));
    await service.send("/webhook/wa", metaPost([], same));
    const { data } = (await (await service.get("/events?message_id=wa:same129")).json()) as {
      data: readonly { seq: number; ts: string }[];
    };
    await onEvents(`events?open=${data[0]?.seq}@${data[0]?.ts}`, async (page) => {
      await page.locator(".drawer").getByText("same129:accepted", { exact: true }).waitFor();
    });
  });

  test("a time range has a start and an end, as events come in too, and stands in the address", async () => {
    const sent = (id: string, time: string) =>
      status(id, "sent", String(Date.parse(`2024-01-01T${time}Z`) / 1000));
    const statuses = [
      sent("t1", "10:00:59"),
      sent("t2", "10:01:00"),
      sent("t3", "10:01:59"),
      sent("t4", "10:02:00"),
    ];
    await service.send("/webhook/wa", metaPost([], statuses));
    await onEvents("events", async (page) => {
      await page.getByRole("button", { name: "Any time" }).click();
      await page.getByLabel("From", { exact: true }).fill("2024-01-01T10:01");
      await page.getByLabel("Until", { exact: true }).fill("2024-01-01T10:02");
      await page.getByRole("button", { name: "Apply" }).click();
      await shows(page, ["sent wa:t3", "sent wa:t2"]);
      await page.getByText("2 events").waitFor();
      const { hash } = new URL(page.url());
      expect(Object.fromEntries(new URLSearchParams(hash.slice(hash.indexOf("?"))))).toEqual({
        since: "2024-01-01T10:01:00Z",
        until: "2024-01-01T10:02:00Z",
      });
      await service.send("/webhook/wa", metaPost([], [sent("t5", "10:02:30"), sent("t6", "10:01:30")]));
      await shows(page, ["sent wa:t3", "sent wa:t6", "sent wa:t2"]);
      await page.reload();
      await shows(page, ["sent wa:t3", "sent wa:t6", "sent wa:t2"]);
    });
  });
});
