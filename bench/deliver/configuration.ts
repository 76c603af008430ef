// Configuration files with destinations.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Scratch } from "../scratch.ts";

export const destinationSecret = "bench-destination-7d1e5c02b9a84f63";

type Destination = { url: string; order?: "sender" | "none"; concurrency?: number };

let written = 0;

/**
 * The variables that give a server these destinations; their names were never used before, so they
 * begin with the start of the log.
 */
export function withDestinations(scratch: Scratch, destinations: Destination[]): Record<string, string> {
  const path = join(scratch.folder, `destinations-${++written}.yaml`);
  const all = destinations.map(({ url, order = "sender", concurrency = 8 }, index) => [
    `bench-${written}-${index}`,
    { url, secret: destinationSecret, allow_private: true, start: "start", order, concurrency },
  ]);
  // JSON is YAML.
  writeFileSync(path, JSON.stringify({ destinations: Object.fromEntries(all) }));
  return { POSTERN_CONFIG: path };
}
