/**
 * DNS rebinding, tried by a real browser: what a page of a stranger's name reads from a service
 * without a token.
 */
import { expect, test } from "bun:test";
import { newService } from "../http/service.ts";
import { message } from "../messages.ts";
import { CHROMIUM, launchBrowser } from "./browser.ts";

if (CHROMIUM === undefined) console.log("skipped: DNS rebinding in a browser (no chromium is installed)");
test.skipIf(CHROMIUM === undefined)(
  "a page whose name leads to the service reads nothing, and one of an allowed name or of loopback does",
  async () => {
    const service = await newService({ ALLOWED_HOSTS: "postern.example" });
    await service.post(message("m"));
    const browser = await launchBrowser("--host-resolver-rules=MAP *.example 127.0.0.1");
    try {
      const page = await browser.newPage();
      /** What a page of that name gets, which hides of its request what a page can hide. */
      const read = async (name: string, headers: Record<string, string> = {}) => {
        await page.goto(`http://${name}:${service.port}/health/live`);
        const sent = `fetch("/stats", ${JSON.stringify({ referrerPolicy: "no-referrer", headers })})`;
        return page.evaluate(`${sent}.then(async (answer) => [answer.status, await answer.text()])`);
      };
      const refused = [403, expect.stringContaining("ALLOWED_HOSTS")];
      for (const language of ["", "*", "en"])
        for (const more of [{}, { "Sec-Fetch-Mode": "cors", "User-Agent": "node" }])
          expect(await read("evil.example", { "Accept-Language": language, ...more })).toEqual(refused);
      await page.goto(`http://evil.example:${service.port}/messages`);
      expect(await page.content()).not.toContain("+919876543210");
      const given = [200, expect.stringContaining('"total_messages":1')];
      expect(await read("postern.example")).toEqual(given);
      expect(await read("localhost")).toEqual(given);
      expect(await read("127.0.0.1")).toEqual(given);
    } finally {
      await browser.close();
      await service.stop();
    }
  },
  120_000,
);
