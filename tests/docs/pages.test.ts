/** Each page, followed to the letter: README and docs, from top to bottom, in an empty folder. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beginsAsShown, isShown } from "./output.ts";
import { type Command, type Step, stepsOf } from "./page.ts";
import { NEEDED, PROGRAMS, STAND_INS } from "./stand-ins.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

const ROOT = resolve(import.meta.dir, "../..");
const PAGE_MS_MAX = 480_000;

const PAGES = ["README.md", ...pagesBelow("docs")]
  .map((path) => ({ path, steps: stepsOf(readFileSync(join(ROOT, path), "utf8")) }))
  .filter(({ steps }) => steps.length > 0);
/** How many commands of each page run at least, and how many blocks say why they don't. */
const COUNTS: Readonly<Record<string, readonly [commandsMin: number, notRun: number]>> = {
  "README.md": [18, 0],
  "docs/cli.md": [54, 6],
  "docs/configuration-file.md": [6, 1],
  "docs/containers.md": [0, 6],
  "docs/delivering.md": [7, 3],
  "docs/following.md": [3, 1],
  "docs/operations.md": [10, 1],
  "docs/providers/generic.md": [2, 0],
  "docs/providers/slack.md": [3, 0],
  "docs/providers/telegram.md": [2, 1],
  "docs/providers/twilio.md": [2, 0],
  "docs/providers/viber.md": [2, 1],
  "docs/providers/vonage.md": [2, 0],
  "docs/providers/whatsapp-messenger-instagram.md": [3, 0],
  "docs/scaling.md": [0, 4],
};
const MISSING = NEEDED.filter((name) => Bun.which(name) === null);

function pagesBelow(folder: string): string[] {
  return (readdirSync(join(ROOT, folder), { recursive: true }) as string[])
    .filter((path) => path.endsWith(".md"))
    .map((path) => join(folder, path))
    .toSorted();
}

/**
 * Whoever runs the tests keeps the machine as it is, whatever a page says: its shell has no program
 * that could change more than files, and those are named relative to its folder.
 */
function leavesFolder(command: string): boolean {
  return /(?:^|[\s=<>"'(:])(?:sqlite:\/{3})?\/(?!dev\/(?:null|zero)\b)[\w.]+(?:[/\s"']|$)|(?:^|[\s=<>"'(/])\.\.(?:[/\s]|$)/m.test(
    command,
  );
}

/** Where the page and the program differ; undefined where they don't. */
async function differenceOf(terminal: Terminal, command: Command): Promise<string | undefined> {
  const { text, line, output: shown } = command;
  if (leavesFolder(text)) return `line ${line}: $ ${text}\nis never run here: mark the block as "not run"`;
  const isEnough = (printed: string) =>
    shown === undefined || beginsAsShown({ command: text, shown, printed });
  const { output, code } = await terminal.run(text, isEnough);
  const isRight =
    code === undefined
      ? isEnough(output)
      : shown === undefined
        ? code === 0
        : isShown({ command: text, shown, printed: output });
  if (isRight) return;
  return `line ${line}: $ ${text}\n--- the page\n${shown ?? ""}\n--- the command (exit code ${code})\n${output}`;
}

/** The differences: one is often the cause of the next. */
async function follow(terminal: Terminal, step: Step): Promise<string[]> {
  if (step.kind === "not run") return [];
  if (step.kind === "file") {
    await terminal.save(step.name, step.text);
    return [];
  }
  const differences: string[] = [];
  for (const command of step.commands) {
    const difference = await differenceOf(terminal, command);
    if (difference !== undefined) differences.push(difference);
  }
  return differences;
}

describe.skipIf(MISSING.length > 0)(`followed to the letter (needs ${NEEDED.join(", ")})`, () => {
  const runs = ({ steps }: (typeof PAGES)[number]) => steps.some(({ kind }) => kind === "block");
  for (const { path, steps } of PAGES.filter(runs))
    test(
      `${path} does what it says`,
      async () => {
        const terminal = await openTerminal(STAND_INS, PROGRAMS);
        try {
          const differences: string[] = [];
          for (const step of steps) differences.push(...(await follow(terminal, step)));
          expect(differences.join("\n\n")).toBe("");
        } finally {
          await terminal.close();
        }
      },
      PAGE_MS_MAX,
    );
});

test("every console block runs, or says why it doesn't", () => {
  const counts = PAGES.map(({ path, steps }) => {
    const commands = steps.flatMap((step) => (step.kind === "block" ? step.commands : []));
    const notRun = steps.flatMap((step) => (step.kind === "not run" ? [step.reason] : []));
    return { path, commands: commands.length, notRun };
  });
  const blocks = ["README.md", ...pagesBelow("docs")].flatMap((path) => {
    const text = readFileSync(join(ROOT, path), "utf8");
    return text.match(/^ *```(?:console|sh)$/gm) ?? [];
  });
  const known = PAGES.flatMap(({ steps }) =>
    steps.filter(({ kind }) => kind === "block" || kind === "not run"),
  );
  expect(known.length).toBe(blocks.length);
  expect(counts.map(({ path, notRun }) => [path, notRun.length])).toEqual(
    counts.map(({ path }) => [path, COUNTS[path]?.[1] ?? 0]),
  );
  for (const { path, commands } of counts)
    expect(commands, path).toBeGreaterThanOrEqual(COUNTS[path]?.[0] ?? 1);
  for (const path of Object.keys(COUNTS)) expect(counts.map((page) => page.path)).toContain(path);
});

test.each([
  ...["rm -rf /var/lib/postern", "echo a > /etc/postern", "cat <<END >/root/a", "cd ..", "rm -r ../src"],
  ...["DATABASE_URL=sqlite:////var/lib/a.db postern serve", "cp a '/usr/local/bin'", "dd of=/dev/sda"],
])("%s is never run", (command) => {
  expect(leavesFolder(command)).toBe(true);
});

test.skipIf(MISSING.length > 0)(
  "a page has no program that could change the machine, and asks nobody but it",
  async () => {
    const terminal = await openTerminal(STAND_INS, PROGRAMS);
    for (const name of ["sudo", "systemctl", "docker", "npm", "npx", "pkill", "chmod"])
      expect((await terminal.run(`${name} --version`, () => true)).code, name).toBe(127);
    const { code, output } = await terminal.run("curl -s https://example.com/", () => true);
    expect([code, output]).toEqual([1, "a test asks nobody else: https://example.com/\n"]);
    await terminal.close();
  },
);
