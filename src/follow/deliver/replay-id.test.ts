import { expect, test } from "bun:test";
import { randomId } from "../../lib/chance.ts";
import { hasNewIds, newReplayId } from "./replay-id.ts";

test("the id of a replay says whether its records go under identifiers of their own", () => {
  expect(hasNewIds(newReplayId(randomId, true))).toBe(true);
  expect(hasNewIds(newReplayId(randomId, false))).toBe(false);
  expect(hasNewIds("")).toBe(false);
  expect(newReplayId(randomId, false)).toMatch(/^rp_[0-9a-f]{16}$/);
});
