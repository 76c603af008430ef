/**
 * `postern healthcheck`: asks the service whether it is ready. For containers: quick, and it needs
 * no secret.
 */
import { type ClientRequest, get as getHttp, type IncomingMessage } from "node:http";
import type { Command } from "commander";
import type { Exit } from "./errors.ts";
import { httpUrl, wholeNumber } from "./flags.ts";
import { print, say } from "./output.ts";
import { serviceUrl } from "./running-service.ts";

const BODY_CHARS_MAX = 200;

export function addHealthcheck(program: Command, exit: Exit): void {
  program
    .command("healthcheck")
    .summary("ask the service whether it is ready")
    .description("Exit with 0 when the service answers that it is ready, else with 1 and one line on stderr.")
    .option("--url <url>", "address to ask (default: /health/ready at HOST and PORT)", httpUrl)
    .option("--timeout <ms>", "time for an answer, in milliseconds", wholeNumber(1, 600_000), 3000)
    .addHelpText(
      "after",
      "\nExamples:\n  $ postern healthcheck\n  $ postern healthcheck --url http://10.0.0.7:8000/health/ready --timeout 500",
    )
    .action(async (flags: { readonly url?: URL; readonly timeout: number }) =>
      exit(await healthcheck(flags.url ?? serviceUrl("/health/ready"), flags.timeout)),
    );
}

/** Resolves with the exit code. */
async function healthcheck(url: URL, timeoutMs: number): Promise<number> {
  try {
    const { status, body } = await ask(url, timeoutMs);
    if (status === 200) {
      await print("ready");
      return 0;
    }
    say(`postern: not ready: ${url.href} answered ${status} ${body}`.trimEnd());
  } catch (error) {
    say(`postern: not ready: no answer from ${url.href}: ${(error as Error).message}`);
  }
  return 1;
}

/** By node:http and not by fetch, which would go through a proxy that the environment names. */
async function ask(url: URL, timeoutMs: number): Promise<{ status: number; body: string }> {
  const get = url.protocol === "https:" ? (await import("node:https")).get : getHttp;
  return new Promise((resolve, reject) => {
    const request: ClientRequest = get(url, { agent: false }, (response: IncomingMessage) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body = (body + text).slice(0, BODY_CHARS_MAX);
      });
      response.on("error", reject);
      response.on("end", () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, body: body.replace(/\s+/g, " ").trim() });
      });
    });
    const timer = setTimeout(() => {
      reject(new Error(`nothing within ${timeoutMs} ms`));
      request.destroy();
    }, timeoutMs);
    request.on("error", reject);
  });
}
