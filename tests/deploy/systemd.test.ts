/** The shipped unit: systemd takes it, and it sets what Postern reads. */
import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../cli/postern.ts";
import { newFolder } from "../folder.ts";
import { readVariable } from "./files.ts";

const UNIT = readFileSync(join(ROOT, "deploy/systemd/postern.service"), "utf8");
const ANALYZE = Bun.which("systemd-analyze");
if (ANALYZE === null) console.log("skipped: deploy/systemd by systemd-analyze (it is not installed)");

/** Of systemd's ten; with 10 a service may do everything. */
const EXPOSURE_MAX = 2;
/** These are SQLite's and Bun's. */
const OF_OTHERS = ["SQLITE_TMPDIR", "BUN_CONFIG_MAX_HTTP_REQUESTS"];

const valuesOf = (key: string) =>
  UNIT.split("\n").flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));

test("the unit sets only variables that are read, to values that are taken, within its own folders", () => {
  const set = new Map(valuesOf("Environment").map((line) => line.split(/=(.*)/s) as [string, string]));
  for (const [name, value] of set) {
    const variable = readVariable(name);
    if (variable === undefined) expect(OF_OTHERS).toContain(name);
    else if (!variable.isFile) expect(variable.takes(value)).toBe(true);
  }
  expect(set.get("DATABASE_URL")).toStartWith(`sqlite:////var/lib/${valuesOf("StateDirectory")[0]}/`);
  const [credential = ""] = (valuesOf("LoadCredential")[0] ?? "").split(":");
  expect(set.get("WEBHOOK_SECRET_FILE")).toBe(`%d/${credential}`);
});

test("the unit waits for a stop longer than one takes at most", () => {
  expect(Number(valuesOf("TimeoutStopSec")[0])).toBeGreaterThanOrEqual(8 + 10);
});

describe.skipIf(ANALYZE === null)("systemd-analyze", () => {
  const analyze = (unit: string, ...args: readonly string[]) => {
    const folder = newFolder();
    const path = join(folder.path, "postern.service");
    // The executable need not be installed here.
    writeFileSync(path, unit.replace("/usr/local/bin/postern", process.execPath));
    const { exitCode, stderr } = Bun.spawnSync([ANALYZE ?? "", ...args, path], { stderr: "pipe" });
    folder.remove();
    // It looks at the units of this machine too.
    const about = stderr.toString().split("\n");
    return { exitCode, objections: about.filter((line) => line.includes("postern.service")) };
  };

  test("systemd knows each line of the unit", () => {
    expect(analyze(UNIT, "verify")).toEqual({ exitCode: 0, objections: [] });
    expect(analyze(UNIT.replace("ProtectHome", "ProtectHouse"), "verify").objections).toHaveLength(1);
  });

  test("systemd counts what the unit leaves open as little", () => {
    const security = ["security", "--offline=yes", `--threshold=${10 * EXPOSURE_MAX}`, "--no-pager"];
    expect(analyze(UNIT, ...security).exitCode).toBe(0);
    expect(analyze(UNIT.replaceAll("SystemCallFilter=", "#"), ...security).exitCode).toBe(1);
  });
});
