import { expect, test } from "bun:test";
import { retryAfterMs } from "./retry-after.ts";

const NOW = Date.parse("2025-01-15T10:00:00Z");

test.each([
  ["0", 0],
  ["2", 2000],
  ["999999", 60_000],
  ["Wed, 15 Jan 2025 10:00:03 GMT", 3000],
  ["Wed, 15 Jan 2025 09:00:00 GMT", 0],
  ["soon", undefined],
  ["", undefined],
  [null, undefined],
])("Retry-After %j means to wait %p ms", (header, expected) => {
  expect(retryAfterMs(header, NOW, 60_000)).toBe(expected as number);
});
