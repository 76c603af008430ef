/** The consumers that `docs/following.md` shows: each runs as it stands there. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Folder, newFolder } from "./folder.ts";
import { newService, type TestService } from "./http/service.ts";
import { message } from "./messages.ts";
import { until } from "./until.ts";

const TOKEN = "a-token-for-the-examples";
const PAGE = readFileSync(join(import.meta.dir, "../docs/following.md"), "utf8");
const EXAMPLES = [
  { title: "TypeScript", language: "typescript", file: "example.ts", command: [process.execPath], needs: [] },
  { title: "Python", language: "python", file: "example.py", command: ["python3"], needs: ["python3"] },
  { title: "curl and jq", language: "sh", file: "example.sh", command: ["sh"], needs: ["curl", "jq"] },
];

function codeOf(title: string, language: string): string {
  const [, code] =
    new RegExp(`^### ${title}\\n\\n(?:<!--.*\\n)?\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "m").exec(PAGE) ??
    [];
  if (code === undefined) throw new Error(`there is no example in ${language} below ${title}`);
  return code;
}

let folder: Folder;
let service: TestService;
beforeAll(async () => {
  folder = newFolder();
  service = await newService({ API_TOKEN: TOKEN });
});
afterAll(async () => {
  await service.stop();
  folder.remove();
});

/** Runs until it has printed so many lines, and has acknowledged them. */
async function run(file: string, command: readonly string[], lines: number): Promise<string[]> {
  const process_ = Bun.spawn([...command, file], {
    env: { PATH: process.env["PATH"] ?? "", POSTERN_URL: service.url, API_TOKEN: TOKEN },
    stdout: "pipe",
    stderr: "inherit",
  });
  let printed = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of process_.stdout) printed += decoder.decode(chunk, { stream: true });
  })();
  try {
    await until(`${lines} lines`, () => printed.split("\n").length > lines);
    await until("they are acknowledged", async () => {
      const consumer = await (await service.get("/consumers/orders")).json();
      return (consumer as { lag_records: number }).lag_records === 0;
    });
  } finally {
    process_.kill("SIGKILL");
    await process_.exited;
    await reading;
  }
  return printed.trimEnd().split("\n");
}

describe("a consumer of the page", () => {
  for (const { title, language, file, command, needs } of EXAMPLES)
    test.skipIf(needs.some((program) => Bun.which(program) === null))(
      `in ${title} takes each message once, and goes on where it ended`,
      async () => {
        await service.send("/consumers/orders", {
          method: "DELETE",
          headers: { Authorization: `Bearer ${TOKEN}` },
        });
        const path = join(folder.path, file);
        writeFileSync(path, codeOf(title, language));
        const before = ((await (await service.get("/log?limit=1000")).json()) as { data: unknown[] }).data
          .length;
        for (const id of ["a", "b"]) await service.post(message(`${file} ${id}`, { text: `text ${id}` }));
        const first = await run(path, command, before + 2);
        expect(first.slice(before)).toEqual([`message ${file} a text a`, `message ${file} b text b`]);
        await service.post(message(`${file} c`, { text: null }));
        const second = await run(path, command, 1);
        expect(second.length).toBe(1);
        expect(second[0]).toMatch(new RegExp(`^message ${file} c (undefined|null|None)$`));
      },
      120_000,
    );
});
