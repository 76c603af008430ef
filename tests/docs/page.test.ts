/** How a page is read, and when an output is the one that it shows. */
import { expect, test } from "bun:test";
import { beginsAsShown, isShown } from "./output.ts";
import { stepsOf } from "./page.ts";

const fence = (language: string, ...lines: string[]) => [`\`\`\`${language}`, ...lines, "```", ""].join("\n");

test("commands go on behind a backslash and in a heredoc, and what follows is their output", () => {
  const [step] = stepsOf(
    fence("console", "$ cat > x <<'END'", "$ no command", "END", "$ send \\", "    --all", "sent", "", "2"),
  );
  expect(step).toEqual({
    kind: "block",
    line: 1,
    commands: [
      { line: 2, text: "cat > x <<'END'\n$ no command\nEND", output: "" },
      { line: 5, text: "send \\\n    --all", output: "sent\n\n2" },
    ],
  });
});

test("a block of commands alone says nothing of their output", () => {
  const outputs = stepsOf(fence("", "$ a", "$ b") + fence("sh", "c", "d \\", "e")).flatMap((step) =>
    step.kind === "block" ? step.commands.map(({ text, output }) => [text, output]) : [],
  );
  expect(outputs).toEqual([
    ["a", undefined],
    ["b", undefined],
    ["c", undefined],
    ["d \\\ne", undefined],
  ]);
});

test("comments say what isn't run, what is saved, and what has to be there", () => {
  const page = [
    "<!-- not run: needs Docker -->\n",
    fence("console", "$ docker run"),
    "<!-- file: a/postern.yaml -->",
    fence("yaml", "sources:", "  a: b"),
    "<!-- run: export A=1 -->",
    fence("json", "{}"),
  ].join("\n");
  expect(stepsOf(page)).toEqual([
    { kind: "not run", line: 3, reason: "needs Docker" },
    { kind: "file", line: 8, name: "a/postern.yaml", text: "sources:\n  a: b\n" },
    { kind: "hidden", line: 13, commands: [{ line: 13, text: "export A=1", output: undefined }] },
  ]);
});

test("what a block to be pasted prints is what its last command prints", () => {
  const [step] = stepsOf(`<!-- prints: {"status":"ok"} -->\n${fence("sh", "a", "b")}`);
  expect(step?.kind === "block" && step.commands.map(({ output }) => output)).toEqual([
    undefined,
    '{"status":"ok"}',
  ] as never);
});

test.each([
  ["prose", "<!-- not run: why -->\nSome words.\n"],
  ["another comment", "<!-- not run: why -->\n<!-- file: a -->\n```\n```\n"],
  ["a console block, which says itself what it prints", `<!-- prints: a -->\n${fence("console", "$ a")}`],
  ["a block of nothing to run", `<!-- not run: why -->\n${fence("json", "{}")}`],
])("a comment before %s is a mistake of the page", (_, page) => {
  expect(() => stepsOf(page)).toThrow();
});

const WHOLE = ["ok 5 {a}", "new 5574, duplicate 0", '{"total":3,"ts":"2025-01-15T10:00:00Z"}'];
test.each(WHOLE)("what is shown as %j is literal", (shown) => {
  expect(isShown({ command: "", shown, printed: `${shown}\n` })).toBe(true);
  for (const printed of [`${shown}1`, `1${shown}`, shown.replace(/\d/, "9"), `${shown}\nmore`, ""])
    expect(isShown({ command: "", shown, printed }), printed).toBe(false);
});

const VOLATILE = [
  ['{"seq":2,"created_at":"2026-11-28T10:00:00.123Z"}', '{"seq":2,"created_at":"2031-01-01T00:00:00Z"}'],
  ["5574 messages in 0.49 s: 11274 messages/s", "5574 messages in 12.00 s: 464 messages/s"],
  ["latency p50 1.2 ms, max 8.5 ms", "latency p50 12 ms, max 900.5 ms"],
  ["f2877d15168cd2c3.2: 503, 4 ms", "0123456789abcdef.2: 503, 12 ms"],
  ["00:05:35  204, 4 ms  native", "23:59:59  204, 12 ms  native"],
  ["app  4 records  6 s ago", "app    4 records  1 min ago"],
  ["a…z", "a\nmore\nz"],
] as const;
test.each(VOLATILE)("what is shown as %j may be %j", (shown, printed) => {
  expect(isShown({ command: "", shown, printed })).toBe(true);
});

test.each([
  ['{"seq":2,"created_at":"2026-11-28T10:00:00.123Z"}', '{"seq":3,"created_at":"2026-11-28T10:00:00.123Z"}'],
  ["5574 messages in 0.49 s", "5573 messages in 0.49 s"],
  ["f2877d15168cd2c3.2", "f2877d15168cd2c3.3"],
  ["a…z", "b…z"],
])("what is shown as %j may not be %j", (shown, printed) => {
  expect(isShown({ command: "", shown, printed })).toBe(false);
});

test("what the command gives literally is literal in its output", () => {
  const [shown, printed] = ["at 2026-11-25T09:30:00Z", "at 2026-11-25T09:30:01Z"];
  expect(isShown({ command: "send", shown, printed })).toBe(true);
  expect(isShown({ command: "send --ts 2026-11-25T09:30:00Z", shown, printed })).toBe(false);
});

test("a command that goes on may have printed more lines, and none that are cut", () => {
  const shown = "first\nsecond";
  expect(beginsAsShown({ command: "", shown, printed: "first\nsecond\nthird\n" })).toBe(true);
  expect(beginsAsShown({ command: "", shown, printed: "first\nsecondary\n" })).toBe(false);
  expect(beginsAsShown({ command: "", shown, printed: "first\n" })).toBe(false);
});
