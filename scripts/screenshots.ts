/**
 * Pictures of the dashboard for the docs, in docs/images: `bun scripts/screenshots.ts [NAME…]`. A
 * service of its own, with made-up data and the latest build of the page, in Chromium.
 */
import "./build-ui.ts";
import { mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Browser, Page } from "playwright-core";
import { CHROMIUM, launchBrowser } from "../tests/gate/browser.ts";
import { signIn } from "../tests/ui/dashboard.ts";
import { useFonts } from "./screenshots/fonts.ts";
import { type MadeUp, startMadeUp, TOKEN } from "./screenshots/service.ts";

const FOLDER = resolve(import.meta.dir, "../docs/images");
const BYTES_MAX = 1_000_000;
const VIEWPORT = { width: 1280, height: 760 };

interface Picture {
  readonly theme: "light" | "dark";
  /** Behind the `#`; what stands in braces is replaced by what the data has. */
  readonly view: string;
  /** What has to be there. */
  readonly drawn: string;
}

const PICTURES: Readonly<Record<string, Picture>> = {
  "messages-light": { theme: "light", view: "messages", drawn: ".row:not(.lacking)" },
  "messages-dark": { theme: "dark", view: "messages", drawn: ".row:not(.lacking)" },
  message: { theme: "light", view: "messages?open={message}", drawn: ".timeline" },
  destinations: { theme: "light", view: "destinations?name=helpdesk", drawn: ".failure .raw" },
  overview: { theme: "light", view: "overview?span=day", drawn: ".top-senders li" },
  sources: { theme: "light", view: "sources?name=whatsapp", drawn: ".reasons" },
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => PICTURES[name] === undefined);
if (unknown.length > 0 || CHROMIUM === undefined) {
  console.error(
    CHROMIUM === undefined
      ? "this needs chromium"
      : `no picture ${unknown.join(", ")}: there are ${Object.keys(PICTURES).join(", ")}`,
  );
  process.exit(2);
}
mkdirSync(FOLDER, { recursive: true });
useFonts();
const service = await startMadeUp();
// Letters in grey compress better than in colours.
const browser = await launchBrowser("--disable-lcd-text");
let bytes = 0;
for (const [name, picture] of Object.entries(PICTURES)) {
  const path = join(FOLDER, `${name}.png`);
  if (wanted.length === 0 || wanted.includes(name)) await take(browser, service, picture, path);
  const { size } = statSync(path);
  bytes += size;
  console.log(`${path}: ${size} bytes`);
}
await browser.close();
await service.stop();
if (bytes > BYTES_MAX) console.error(`${bytes} bytes together: at most ${BYTES_MAX}`);
// Connections that are kept open would keep it for minutes.
process.exit(bytes > BYTES_MAX ? 1 : 0);

async function take(browser: Browser, { url, shown, fill }: MadeUp, picture: Picture, path: string) {
  const { theme: colorScheme, view, drawn } = picture;
  const context = await browser.newContext({
    ...{
      viewport: VIEWPORT,
      colorScheme,
      locale: "en-GB",
      timezoneId: "Europe/Berlin",
      reducedMotion: "reduce",
    },
  });
  const page = await context.newPage();
  await showAddresses(page, shown);
  await page.goto(`${url}/ui/#/${fill(view)}`);
  await signIn(page, TOKEN);
  await page.locator(drawn).first().waitFor();
  await page.locator(".connection.live").waitFor();
  // A rate needs two answers.
  await page.waitForTimeout(view.startsWith("destinations") ? 4000 : 500);
  await page.mouse.move(0, 0);
  await page.screenshot({ path });
  await context.close();
}

/** The service and the receivers are on this machine; what is shown is as made up as the data. */
async function showAddresses(page: Page, shown: (text: string) => string): Promise<void> {
  await page.route(/\/(destinations|sources)$/, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: shown(await answer.text()) });
  });
}
