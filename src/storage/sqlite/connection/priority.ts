/**
 * Reads and followers give way when there are fewer processors than work: acknowledgements come
 * first.
 */
import { setPriority } from "node:os";

/**
 * The acknowledging threads have 0; with 10, who competes with one of them gets about a tenth of a
 * processor.
 */
const NICE = 10;

/** Makes the calling thread give way, where the system lets a thread have a priority of its own. */
export function giveWay(): void {
  try {
    setPriority(0, NICE);
  } catch {
    // It then takes its turns like the others.
  }
}
