// Runs wrk with the prepared requests against one server and returns what it counted. A run with
// any error, with a status of 400 or more or with too few prepared requests has problems and must
// not be used.

import { join } from "node:path";
import { type Scratch, track } from "./scratch.ts";
import { host } from "./servers.ts";

// One thread sends more than any of the servers answers, and leaves the other core to the server.
const wrkThreads = 1;
const requestTimeoutSeconds = 10;

/**
 * `cyclic`: at the end of the file start again, which only a server that stores nothing may get.
 */
type LoadPlan = {
  port: number;
  connections: number;
  seconds: number;
  requestsPath: string;
  cyclic: boolean;
};

export type Load = {
  answered: number;
  requestsPerSecond: number;
  p50Us: number;
  p99Us: number;
  p999Us: number;
  /** The part of one core that wrk used: near 1, wrk is what limits the run. */
  wrkBusy: number;
  problems: string[];
};

type WrkTotals = {
  duration_us: number;
  sent: number;
  completed: number;
  exhausted: boolean;
  errors: Record<"status" | "connect" | "read" | "write" | "timeout", number>;
  latency_us: Record<"p50" | "p99" | "p999" | "max", number>;
};

export async function runLoad(scratch: Scratch, plan: LoadPlan): Promise<Load> {
  const child = track(scratch, Bun.spawn(wrkCommand(plan), { stdout: "pipe", stderr: "inherit" }));
  const output = await child.stdout.text();
  const exitCode = await child.exited;
  const totals = parseTotals(output);
  if (exitCode !== 0 || !totals) throw new Error(`wrk failed with exit code ${exitCode}: ${output.trim()}`);
  const cpuMicros = Number(child.resourceUsage()?.cpuTime.total ?? 0);
  return {
    answered: totals.completed - totals.errors.status,
    requestsPerSecond: (totals.completed * 1_000_000) / totals.duration_us,
    p50Us: totals.latency_us.p50,
    p99Us: totals.latency_us.p99,
    p999Us: totals.latency_us.p999,
    wrkBusy: cpuMicros / totals.duration_us,
    problems: loadProblems(totals, plan),
  };
}

function wrkCommand(plan: LoadPlan): string[] {
  return [
    ...["wrk", `-t${wrkThreads}`, `-c${plan.connections}`, `-d${plan.seconds}s`],
    ...["--timeout", `${requestTimeoutSeconds}s`, "-s", join(import.meta.dir, "wrk.lua")],
    ...[`http://${host}:${plan.port}/webhook`, "--", plan.cyclic ? "cyclic" : "once"],
    ...Array.from({ length: wrkThreads }, () => plan.requestsPath),
  ];
}

function parseTotals(output: string): WrkTotals | null {
  const line = output.split("\n").findLast((candidate) => candidate.startsWith("{"));
  return line === undefined ? null : (JSON.parse(line) as WrkTotals);
}

function loadProblems(totals: WrkTotals, plan: LoadPlan): string[] {
  const problems = Object.entries(totals.errors)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind} errors`);
  if (totals.exhausted) problems.push("the prepared requests ran out");
  if (totals.completed === 0) problems.push("no request was answered");
  // wrk asks for one request that it never sends; at the end each connection may wait for an
  // answer.
  const unanswered = totals.sent - 1 - totals.completed;
  if (unanswered > plan.connections) problems.push(`${unanswered} requests got no answer`);
  return problems;
}
