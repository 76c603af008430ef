/**
 * What strangers cost everybody else: `bun bench/attacks.ts [--part costs|together|isolation]
 * [--only TEXT] [--seconds N]`. For each source the longest stall of `/health/live` and the highest
 * peak of memory by one of the requests of tests/attacks; the same of all that nobody signed, at
 * once; then, while each sort of attack runs from one address, how long a signed sender at another
 * address waits. The tables of docs/security.md come from it.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ATTACKS, type Attack, HELD } from "../tests/attacks/attacks.ts";
import { attack, costOf, residentMiB, type Target } from "../tests/attacks/costs.ts";
import { send } from "../tests/attacks/sender.ts";
import { NATIVE_SECRET, SOURCES } from "../tests/attacks/sources.ts";

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    seconds: { type: "string", default: "3" },
    part: { type: "string", default: "all" },
  },
});
const seconds = Number(flags.seconds);
const SENDER_PER_SECOND = 200;
const HELD_CONNECTIONS = 1024;

async function withService(use: (target: Target) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "postern-attacks-"));
  const [config, log] = [join(folder, "postern.yaml"), join(folder, "log")];
  writeFileSync(config, JSON.stringify({ sources: SOURCES }));
  const service = Bun.spawn([process.execPath, "src/main.ts", "serve", "--config", config], {
    env: {
      PATH: process.env["PATH"] ?? "",
      WEBHOOK_SECRET: NATIVE_SECRET,
      DATABASE_URL: `sqlite:///${folder}/app.db`,
      PORT: "0",
      TRUSTED_PROXIES: "127.0.0.1",
      API_TOKEN: "token-of-the-service",
    },
    stdout: Bun.file(log),
    stderr: "inherit",
  });
  try {
    let port = 0;
    while (port === 0) {
      await Bun.sleep(50);
      port = Number(/"port":(\d+)/.exec(await Bun.file(log).text())?.[1] ?? 0);
    }
    await send(port, SENDER_PER_SECOND, 2, "warm");
    await Bun.sleep(1000);
    await use({ pid: service.pid, port, idleMiB: residentMiB(service.pid, "VmRSS") });
  } finally {
    service.kill("SIGTERM");
    await service.exited;
    rmSync(folder, { recursive: true });
  }
}

const wanted = (each: Attack) => each.name.includes(flags.only);
const counts = (answers: Readonly<Record<string, number>>) =>
  Object.entries(answers)
    .map(([status, count]) => `${count} × ${status}`)
    .join(", ");

/** Of each source the worst of what a stranger, and of what who knows its secret, can send. */
async function costs(): Promise<void> {
  console.log("| source | signed | longest stall, ms | by | highest peak above idle, MiB | by |");
  console.log("|---|---|--:|---|--:|---|");
  const [sourceOf, whatOf] = [
    ({ name }: Attack) => name.split(",")[0],
    ({ name }: Attack) => name.split(", ").at(-1),
  ];
  const groups = Map.groupBy(
    ATTACKS.filter(wanted),
    (each) => `| ${sourceOf(each)} | ${each.signed ? "yes" : "no"} |`,
  );
  for (const [label, attacks] of groups) {
    const found: {
      readonly what: string | undefined;
      readonly stallMs: number;
      readonly memoryMiB: number;
    }[] = [];
    await withService(async (target) => {
      for (const each of attacks)
        found.push({ what: whatOf(each), ...(await costOf(target, [each], { connections: 2, seconds })) });
    });
    const [stall] = found.toSorted((one, other) => other.stallMs - one.stallMs);
    const [peak] = found.toSorted((one, other) => other.memoryMiB - one.memoryMiB);
    console.log(
      `${label} ${stall?.stallMs.toFixed(0)} | ${stall?.what} | ${peak?.memoryMiB.toFixed(0)} | ${peak?.what} |`,
    );
  }
}

/** Everything that nobody signed, at once. */
async function together(): Promise<void> {
  const unsigned = ATTACKS.filter((each) => !each.signed && wanted(each));
  await withService(async (target) => {
    const { stallMs, memoryMiB, answers } = await costOf(target, unsigned, { connections: 16, seconds: 10 });
    console.log(
      `all attackers together, 16 connections: stall ${stallMs.toFixed(0)} ms, ` +
        `peak ${memoryMiB.toFixed(0)} MiB above ${target.idleMiB.toFixed(0)}, ${counts(answers)}`,
    );
  });
}

/** By what they do, so that each runs long enough to be felt. */
function groups(): readonly (readonly [name: string, attacks: readonly Attack[], connections: number])[] {
  const unsigned = ATTACKS.filter((each) => !each.signed && wanted(each));
  const kindOf = ({ name }: Attack) =>
    ["form of 4 MiB", "form of 16 KB", "chunks", "JSON", "guessed", "404", "query", "token"].find((kind) =>
      name.includes(kind),
    ) ?? "others";
  return [
    ...[...Map.groupBy(unsigned, kindOf)].map(([kind, attacks]) => [kind, attacks, 8] as const),
    ...HELD.filter(wanted).map((each) => [each.name, [each], HELD_CONNECTIONS] as const),
  ];
}

async function isolation(): Promise<void> {
  console.log("| while strangers at one address send | p50, ms | p99, ms | of its own p99 | answers |");
  console.log("|---|--:|--:|--:|---|");
  for (const [name, attacks, connections] of groups())
    await withService(async (target) => {
      const own = await send(target.port, SENDER_PER_SECOND, seconds, "alone");
      const stop = await attack(target, attacks, { connections, seconds: seconds + 5 });
      await Bun.sleep(1000);
      const sent = await send(target.port, SENDER_PER_SECOND, seconds, "attacked");
      stop();
      const ratio = sent.p99Ms / own.p99Ms;
      console.log(
        `| ${name} (${connections} connections) | ${sent.p50Ms.toFixed(1)} (${own.p50Ms.toFixed(1)}) | ` +
          `${sent.p99Ms.toFixed(1)} (${own.p99Ms.toFixed(1)}) | ${ratio.toFixed(1)} | ${counts(sent.answers)} |`,
      );
    });
}

if (flags.part === "all" || flags.part === "costs") await costs();
if (flags.part === "all" || flags.part === "together") await together();
if (flags.part === "all" || flags.part === "isolation") await isolation();
