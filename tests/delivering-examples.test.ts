/** The receivers that `docs/delivering.md` shows: each runs as it stands there. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openHttpSink } from "../src/follow/deliver/http-sink.ts";
import { CAUSES } from "../src/follow/deliver/sink.ts";
import { webhookBody, webhookId } from "../src/follow/deliver/webhook-message.ts";
import { systemClock } from "../src/lib/clock.ts";
import { ABOUT } from "./deliver/destination.ts";
import { type Folder, newFolder } from "./folder.ts";
import { until } from "./until.ts";

const ROOT = join(import.meta.dir, "..");
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PAGE = readFileSync(join(ROOT, "docs/delivering.md"), "utf8");
const EXAMPLES = [
  {
    title: "A receiver in TypeScript",
    language: "typescript",
    file: "receiver.ts",
    command: [process.execPath],
  },
  { title: "A receiver in Python", language: "python", file: "receiver.py", command: ["python3"] },
];

function codeBelow(title: string, language: string): string {
  const [, code] =
    new RegExp(`^### ${title}\\n[\\s\\S]*?^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "m").exec(PAGE) ?? [];
  if (code === undefined) throw new Error(`there is no example in ${language} below ${title}`);
  return code;
}

let folder: Folder;
beforeAll(() => {
  folder = newFolder();
  symlinkSync(join(ROOT, "node_modules"), join(folder.path, "node_modules"));
});
afterAll(() => folder.remove());

/** What the record `id` is to a sink. */
function attemptOf(id: string, number: number) {
  const record = { message_id: id, created_at: "2026-11-28T10:00:00.123Z" };
  const text = JSON.stringify({ kind: "message", ...record, text: `Grüße ${id}` });
  return {
    id: webhookId({ record }),
    number,
    isReplay: false,
    body: webhookBody({ record, text }),
    about: ABOUT,
  };
}

function sinkTo(port: number, secrets: readonly string[]) {
  const url = new URL(`http://127.0.0.1:${port}/hooks`);
  const sink = openHttpSink({
    ...{ url, secrets, timeoutMs: 10_000, allowPrivate: true, version: "1", clock: systemClock },
  });
  const going = new AbortController().signal;
  return async (id: string, number = 1) => (await sink.send(attemptOf(id, number), going)).status;
}

describe("a receiver of the page", () => {
  for (const { title, language, file, command } of EXAMPLES)
    test.skipIf(Bun.which(command[0] ?? "") === null)(
      `in ${language} verifies, handles each record once, and knows it after a restart`,
      async () => {
        const path = join(folder.path, file);
        writeFileSync(path, codeBelow(title, language));
        const env = { PATH: process.env["PATH"] ?? "", APP_SECRET: SECRET, APP_DB: `${path}.db`, PORT: "0" };
        const run = async (lines: number, use: (port: number) => Promise<void>) => {
          const running = Bun.spawn([...command, path], { env, stdout: "pipe", stderr: "inherit" });
          let printed = "";
          const reading = (async () => {
            const decoder = new TextDecoder();
            for await (const chunk of running.stdout) printed += decoder.decode(chunk, { stream: true });
          })();
          try {
            await use(
              await until("its port", () => Number(/^listening at (\d+)$/m.exec(printed)?.[1]) || undefined),
            );
            await until("what it prints", () => printed.split("\n").length > lines + 1);
          } finally {
            running.kill("SIGKILL");
            await running.exited;
            await reading;
          }
          return printed.trimEnd().split("\n").slice(1);
        };
        const first = await run(3, async (port) => {
          const send = sinkTo(port, [SECRET]);
          expect(
            [await send("a"), await send("a", 2), await send("b")].map((status) => status?.toString()[0]),
          ).toEqual(["2", "2", "2"]);
          expect(await sinkTo(port, ["another secret"])("c")).toBe(401);
          expect(await sinkTo(port, ["another secret", SECRET])("d")).toBeLessThan(300);
          expect((await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "{}" })).status).toBe(401);
        });
        expect(first).toEqual(["a", "b", "d"].map((id) => `message.received ${id} Grüße ${id}`));
        const second = await run(1, async (port) => {
          const send = sinkTo(port, [SECRET]);
          expect(
            [await send("b", 3), await send("e")].every((status) => status !== null && status < 300),
          ).toBe(true);
        });
        expect(second).toEqual(["message.received e Grüße e"]);
      },
      120_000,
    );
});

test("the page has a row for every cause of a failure", () => {
  const rows = [...PAGE.matchAll(/^\| `([a-z_]+)` \|[^|]*\|[^|]*\|$/gm)].map(([, cause]) => cause);
  expect(rows.toSorted()).toEqual(Object.keys(CAUSES).toSorted());
});
