/** The shipped alerts: Prometheus takes them, and each is raised when it should be. */
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { addDeliveries } from "../../src/cli/deliveries.ts";
import { newService } from "../http/service.ts";

const ROOT = resolve(import.meta.dir, "../..");
const RULES = join(ROOT, "deploy/prometheus/alerts.yml");
const PROMTOOL = Bun.which("promtool");
if (PROMTOOL === null) console.log("skipped: deploy/prometheus/alerts.yml by promtool (it is not installed)");

const destination = {
  ...{ name: "app", url: "http://127.0.0.1:1", secrets: ["a secret of the destination"] },
  ...{ kinds: ["message" as const], sources: undefined, from: undefined, to: undefined },
  ...{ order: "sender" as const, concurrency: 1, ratePerS: undefined, timeoutMs: 1000, retryMs: [1000] },
  ...{ start: "now", allowPrivate: true },
};
const service = await newService({}, { destinations: [destination] });
afterAll(() => service.stop());

test("the alerts name only metrics and commands that there are", async () => {
  const rules = readFileSync(RULES, "utf8");
  const exposed = await (await service.get("/metrics")).text();
  const named = new Set(rules.match(/\bpostern_\w+/g));
  expect(named.size).toBe(5);
  const unknown = [...named].filter((name) => !exposed.includes(`\n${name}{destination="app"`));
  expect(unknown).toEqual([]);
  const program = new Command();
  addDeliveries(program, () => undefined);
  const known = program.commands[0]?.commands.map((command) => command.name());
  for (const [, name = ""] of rules.matchAll(/postern deliveries (\w+)/g)) expect(known).toContain(name);
});

describe.skipIf(PROMTOOL === null)("promtool", () => {
  const promtool = async (...args: readonly string[]) => {
    const child = Bun.spawn([PROMTOOL ?? "", ...args], { stdout: "pipe", stderr: "pipe" });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { code: await child.exited, text: out + err };
  };

  test("promtool takes the file of alerts", async () => {
    const { code, text } = await promtool("check", "rules", RULES);
    expect(text).toContain("6 rules found");
    expect(code).toBe(0);
  });

  test("promtool raises each alert for the destination that it is about, and no other one", async () => {
    const { code, text } = await promtool("test", "rules", join(import.meta.dir, "alerts.yml"));
    expect(text).toContain("SUCCESS");
    expect(code).toBe(0);
  });
});
