/**
 * What one engine can do and another can't. A test that takes one of them says so, and nothing else
 * decides.
 */
import { test } from "bun:test";

export interface Capabilities {
  /** Several stores may have one database open at once. */
  readonly severalReplicas: boolean;
  /** Records can be taken in without a server. */
  readonly imports: boolean;
  /** A migration can read from it. */
  readonly isMigrationSource: boolean;
  /** A migration can write to it. */
  readonly isMigrationTarget: boolean;
  /** Its index can be examined and made anew without a server. */
  readonly examinesIndex: boolean;
}

type Test = (title: string, body: () => void | Promise<void>, timeoutMs?: number) => void;

/**
 * A test of what takes a capability. Where an engine lacks it, it is listed as skipped, with the
 * capability's name.
 */
export function testWith(capabilities: Capabilities, name: keyof Capabilities): Test {
  return capabilities[name] ? test : (title, body) => test.skip(`${title} (without ${name})`, body);
}

/** A test of what holds where a capability is missing. */
export function testWithout(capabilities: Capabilities, name: keyof Capabilities): Test {
  return capabilities[name] ? (title, body) => test.skip(`${title} (with ${name})`, body) : test;
}
