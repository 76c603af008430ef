/** The shipped alerts: Prometheus takes them, and each is raised when it should be. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { addDeliveries } from "../../src/cli/deliveries.ts";

const ROOT = resolve(import.meta.dir, "../..");
const RULES = join(ROOT, "deploy/prometheus/alerts.yml");
const PROMTOOL = Bun.which("promtool");
if (PROMTOOL === null) console.log("skipped: deploy/prometheus/alerts.yml by promtool (it is not installed)");

test("the alerts name only commands that there are", () => {
  const rules = readFileSync(RULES, "utf8");
  const program = new Command();
  addDeliveries(program, () => undefined);
  const known = program.commands[0]?.commands.map((command) => command.name());
  const named = [...rules.matchAll(/postern deliveries (\w+)/g)].map(([, name = ""]) => name);
  expect(named.length).toBeGreaterThan(5);
  for (const name of named) expect(known).toContain(name);
});

describe.skipIf(PROMTOOL === null)("promtool", () => {
  const promtool = async (...args: readonly string[]) => {
    const child = Bun.spawn([PROMTOOL ?? "", ...args], { stdout: "pipe", stderr: "pipe" });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { code: await child.exited, text: out + err };
  };

  test("promtool takes the file of alerts", async () => {
    const { code, text } = await promtool("check", "rules", RULES);
    expect(text).toContain("13 rules found");
    expect(code).toBe(0);
  });

  test("promtool raises each alert for the destination or source that it is about, and no other one", async () => {
    const files = ["alerts.yml", "alerts-quiet.yml"].map((name) => join(import.meta.dir, name));
    const { code, text } = await promtool("test", "rules", ...files);
    expect(text).toContain("SUCCESS");
    expect(code).toBe(0);
  });
});
