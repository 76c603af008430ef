/**
 * What an attack costs everybody else: the stall of `/health/live` and the memory, measured from
 * beside the service.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { Attack } from "./attacks.ts";

interface Cost {
  /**
   * The longest answer of `/health/live` above the longest one of the moments before, while nobody
   * attacked.
   */
  readonly stallMs: number;
  readonly idleMs: number;
  /** The highest resident memory above that of the idle service. */
  readonly memoryMiB: number;
  /** How many requests were answered with which status. */
  readonly answers: Readonly<Record<string, number>>;
}

export interface Target {
  readonly pid: number;
  readonly port: number;
  /** Resident, before anybody attacked. */
  readonly idleMiB: number;
}

interface Force {
  readonly connections: number;
  readonly seconds: number;
}

const PROBE_EVERY_MS = 2;
const IDLE_MS = 500;
const LIVE = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** Attacks with all of these in turn. */
export async function costOf(target: Target, attacks: readonly Attack[], force: Force): Promise<Cost> {
  const attacker = await prepare(target, attacks, force);
  const probe = new Probe(target.port);
  try {
    await Bun.sleep(IDLE_MS);
    const idleMs = probe.takeLongestMs();
    forgetPeak(target.pid);
    const answers = await attacker.go();
    const stallMs = Math.max(0, probe.takeLongestMs() - idleMs);
    const memoryMiB = Math.max(0, residentMiB(target.pid, "VmHWM") - target.idleMiB);
    return { stallMs, idleMs, memoryMiB, answers };
  } finally {
    probe.stop();
    attacker.stop();
  }
}

/** Begins the same and leaves it running; gives what ends it. */
export async function attack(target: Target, attacks: readonly Attack[], force: Force): Promise<() => void> {
  const attacker = await prepare(target, attacks, force);
  attacker.go().catch(() => undefined);
  return attacker.stop;
}

/** An attacker that has made its requests and waits. */
async function prepare({ port }: Target, attacks: readonly Attack[], { connections, seconds }: Force) {
  const script = join(import.meta.dir, "attacker.ts");
  const given = [...[port, connections, seconds].map(String), ...attacks.map(({ name }) => name)];
  const attacker = Bun.spawn([process.execPath, script, ...given], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const said = attacker.stdout.getReader();
  await said.read();
  return {
    go: async (): Promise<Cost["answers"]> => {
      attacker.stdin.write("go\n");
      attacker.stdin.end();
      const { value } = await said.read();
      return JSON.parse(new TextDecoder().decode(value)) as Cost["answers"];
    },
    stop: () => attacker.kill("SIGKILL"),
  };
}

/** Resident memory of a process now (`VmRSS`), or at most since it was forgotten (`VmHWM`). */
export function residentMiB(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s*(\\d+) kB`).exec(status)?.[1]) / 1024;
}

/** See proc(5): the peak of resident memory counts anew. */
function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** Asks for `/health/live` again and again on a connection of its own. */
class Probe {
  readonly #socket: Socket;
  #longestMs = 0;
  #askedAt: number | undefined;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("connect", () => this.#ask());
    this.#socket.on("error", () => undefined);
    this.#socket.on("data", () => {
      this.#longestMs = Math.max(this.#longestMs, this.#waitedMs());
      this.#askedAt = undefined;
      setTimeout(() => this.#ask(), PROBE_EVERY_MS);
    });
  }

  /** Since it was asked last, what is still waited for included. */
  takeLongestMs(): number {
    const longest = Math.max(this.#longestMs, this.#waitedMs());
    this.#longestMs = 0;
    return longest;
  }

  stop(): void {
    this.#socket.destroy();
  }

  #ask(): void {
    this.#askedAt = performance.now();
    this.#socket.write(LIVE);
  }

  #waitedMs(): number {
    return this.#askedAt === undefined ? 0 : performance.now() - this.#askedAt;
  }
}
