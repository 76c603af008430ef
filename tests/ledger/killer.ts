/**
 * Hurts the service at random moments: replicas are killed by turns, and stopped properly now and
 * then, the database's server crashes and restarts, and the configuration is read anew. A seed
 * decides what comes and when.
 */
import { until } from "../until.ts";
import type { Chance } from "./chance.ts";
import type { Disturbance } from "./record.ts";
import type { Stage } from "./stage.ts";

interface Killing {
  readonly stage: Stage;
  readonly chance: Chance;
  /** Sudden ends: of a replica, or of the database's server. */
  readonly kills: number;
  /** How long all of it takes, at least. */
  readonly forMs: number;
  /** Rises while the service works: each time it is hurt it has worked since the last time. */
  readonly progress: () => number;
  /** Told right before each sudden end, and before the database's server restarts. */
  readonly hurts: () => void;
  /** Told of each deed when it is done. */
  readonly disturbs: (during: Disturbance) => void;
}

type Deed = "kill" | "stop" | "crash the server" | "restart the server" | "reload";

/** A proper end for so many sudden ones, and a reload. */
const KILLS_PER_STOP = 4;
const KILLS_PER_RELOAD = 1.5;
const SERVER_KILLS = 1 / 3;
const PROGRESS_MS_MAX = 120_000;

interface Killed {
  /** What was done, and after how many milliseconds. */
  readonly deeds: readonly string[];
  /** What was wrong: nothing, as a rule. */
  readonly faults: readonly string[];
}

export async function killAtRandom({
  stage,
  chance,
  kills,
  forMs,
  progress,
  hurts,
  disturbs,
}: Killing): Promise<Killed> {
  const faults: string[] = [];
  const told: string[] = [];
  const deeds = deedsOf(kills, chance, stage.server !== undefined);
  const beganAt = performance.now();
  const endsAt = beganAt + forMs;
  let killed = 0;
  for (const [done, deed] of deeds.entries()) {
    const before = progress();
    // On average the rest of the time is shared out among the rest of the deeds.
    const shareMs = Math.max(0, endsAt - performance.now()) / (deeds.length - done + 1);
    await Bun.sleep(shareMs * 2 * chance.next());
    await until(`progress before ${deed}`, () => progress() > before, PROGRESS_MS_MAX);
    const replica = deed === "kill" ? inTurn(stage.replicas, killed++) : chance.pick(stage.replicas);
    const from = performance.now();
    told.push(`${deed} at ${(performance.now() - beganAt).toFixed(0)} ms`);
    if (deed !== "stop" && deed !== "reload") hurts();
    if (deed === "kill") await replica.kill();
    else if (deed === "crash the server") await stage.server?.crash();
    else if (deed === "restart the server") await stage.server?.restart();
    else if (deed === "reload") await stage.reload();
    else {
      const code = await replica.restart();
      if (code !== 0) faults.push(`a replica that was stopped exited with ${code}`);
    }
    disturbs({ from, to: performance.now() });
  }
  await Bun.sleep(Math.max(0, endsAt - performance.now()));
  return { deeds: told, faults };
}

function inTurn<T>(things: readonly T[], number: number): T {
  const thing = things[number % things.length];
  if (thing === undefined) throw new Error("there is nothing to take in turn");
  return thing;
}

/** In any order, but each sort of end is there. */
function deedsOf(kills: number, chance: Chance, hasServer: boolean): Deed[] {
  const ofServer = hasServer ? Math.ceil(kills * SERVER_KILLS) : 0;
  const stops = Math.ceil(kills / KILLS_PER_STOP);
  const some = (count: number, deed: Deed) => Array.from({ length: count }, () => deed);
  return chance.shuffle([
    ...some(kills - ofServer, "kill"),
    ...some(ofServer, "crash the server"),
    ...some(stops, "stop"),
    ...some(Math.ceil(kills / KILLS_PER_RELOAD), "reload"),
    ...some(hasServer ? stops : 0, "restart the server"),
  ]);
}
