/** A browser for tests, where one is installed. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Undefined: the tests that need one are skipped. */
export const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (path) => existsSync(path),
);
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launchBrowser(...flags: readonly string[]): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM as string, args: [...FLAGS, ...flags] });
}
