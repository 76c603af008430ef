/**
 * The cost table of docs/security.md: `bun bench/attacks.ts [TEXT]` runs every attack of tests/attacks whose name holds
 * the text against a service of its own, and prints what it costs everybody else.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ATTACKS } from "../tests/attacks/attacks.ts";
import { costOf, residentMiB } from "../tests/attacks/costs.ts";
import { NATIVE_SECRET, SOURCES } from "../tests/attacks/sources.ts";

const folder = mkdtempSync(join(tmpdir(), "postern-attacks-"));
const config = join(folder, "postern.yaml");
writeFileSync(config, JSON.stringify({ sources: SOURCES }));
const service = Bun.spawn([process.execPath, "src/main.ts", "serve", "--config", config], {
  env: {
    PATH: process.env["PATH"] ?? "",
    WEBHOOK_SECRET: NATIVE_SECRET,
    DATABASE_URL: `sqlite:///${folder}/app.db`,
    PORT: "0",
  },
  stdout: Bun.file(join(folder, "log")),
  stderr: "inherit",
});
let port: number | undefined;
while (port === undefined) {
  await Bun.sleep(50);
  port = Number(/"port":(\d+)/.exec(await Bun.file(join(folder, "log")).text())?.[1]) || undefined;
}
await Bun.sleep(1000);
const target = { pid: service.pid, port, idleMiB: residentMiB(service.pid, "VmRSS") };
try {
  console.log(`idle ${target.idleMiB.toFixed(0)} MiB`);
  for (const attack of ATTACKS.filter(({ name }) => name.includes(process.argv[2] ?? ""))) {
    const { stallMs, idleMs, memoryMiB, answers } = await costOf(target, [attack], {
      connections: 4,
      seconds: 1.5,
    });
    console.log(
      attack.name.padEnd(70),
      stallMs.toFixed(1).padStart(7),
      idleMs.toFixed(1).padStart(6),
      memoryMiB.toFixed(0).padStart(5),
      JSON.stringify(answers),
    );
  }
} finally {
  service.kill("SIGTERM");
  await service.exited;
  rmSync(folder, { recursive: true });
}
