/** The dashboard in a real browser, for tests: signed in, and with what it complained about. */
import "../../scripts/build-ui.ts";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { CHROMIUM } from "../gate/browser.ts";
import { until } from "../until.ts";

export const TOKEN = "the-token-of-the-dashboard";
/** A step may take so long on a machine that does other things. */
const STEP_MS_MAX = 20_000;

export const isSkipped = CHROMIUM === undefined;
if (isSkipped) console.log("skipped: the dashboard in a browser (no chromium is installed)");

export interface Dashboard {
  readonly page: Page;
  /** Errors of the page and of its policy; what the network says isn't among them. */
  readonly complaints: readonly string[];
  readonly close: () => Promise<void>;
}

interface OpenOptions extends BrowserContextOptions {
  /** Of the view, behind the `#`. */
  readonly view?: string;
  /** False: stays before the sign-in. */
  readonly signsIn?: boolean;
}

/** In a browser session of its own. */
export async function openDashboard(
  browser: Browser,
  url: string,
  { view = "", signsIn = true, ...options }: OpenOptions = {},
): Promise<Dashboard> {
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", ...options });
  context.setDefaultTimeout(STEP_MS_MAX);
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  await page.goto(`${url}/ui/#/${view}`);
  if (signsIn) await signIn(page);
  return { page, complaints, close: () => context.close() };
}

function complaintsOf(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on("console", (entry) => {
    if (entry.type() === "error" && !/^Failed to load resource/.test(entry.text()))
      complaints.push(entry.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  return complaints;
}

export async function signIn(page: Page, token = TOKEN): Promise<void> {
  await page.getByLabel("API token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("header.frame nav").waitFor();
}

/** What these parts of the rows that are shown say, from the top. */
export async function shownRows(page: Page, ...parts: readonly string[]): Promise<readonly string[]> {
  const rows: readonly (readonly [number, string])[] = await page
    .locator(".row:not(.lacking)")
    .evaluateAll(
      (found, names) =>
        found.map((row) => [
          Number(row.getAttribute("aria-rowindex")),
          names.map((name) => row.querySelector(name)?.textContent).join(" "),
        ]),
      parts,
    );
  return rows.toSorted(([one], [other]) => one - other).map(([, said]) => said);
}

export const shownTexts = (page: Page) => shownRows(page, ".cell-text");

/** Waits until the rows that are shown are these and no others; with `parts`, in these parts. */
export async function shows(page: Page, rows: readonly string[], ...parts: readonly string[]): Promise<void> {
  await until(`it shows ${rows.join(", ")}`, async () => {
    const shown = await shownRows(page, ...(parts.length > 0 ? parts : [".cell-text"]));
    if (Bun.deepEquals(shown, rows)) return true;
    throw new Error(`it shows ${shown.join(", ")}`);
  });
}

/**
 * As when somebody comes back to the tab, until it is there, or there no more. What a page asks
 * for again by itself may come as late as a minute after a slow answer.
 */
export function looksAgain(page: Page, wanted: Locator, isThere = true): Promise<true> {
  return until(`${wanted} is${isThere ? "" : "n't"} there`, async () => {
    if ((await wanted.isVisible()) === isThere) return true;
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    return false;
  });
}
