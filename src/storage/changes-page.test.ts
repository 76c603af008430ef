import { expect, test } from "bun:test";
import { message } from "../../tests/messages.ts";
import type { EventRecord } from "../core/log-record.ts";
import { BODIES_BYTES_MAX } from "../core/store.ts";
import { withRoom } from "./changes-page.ts";

const native = { ...message("n"), seq: 0, created_at: "" };
const part = (delivery: number) => ({ delivery }) as EventRecord;
const shown = (bytes: readonly number[], ...records: (typeof native | EventRecord)[]) =>
  withRoom(records, (delivery) => bytes[delivery] ?? 0).length;

test("a POST counts once, however many of its parts there are", () => {
  expect(shown([BODIES_BYTES_MAX], part(0), part(0), native, part(0))).toBe(4);
});

test("the records end before the first POST that has no more room", () => {
  expect(shown([BODIES_BYTES_MAX - 1, 1, 1], part(0), native, part(1), native, part(2), native)).toBe(4);
});

test("a single one that is larger is given, with what comes before it and no other POST behind it", () => {
  expect(shown([BODIES_BYTES_MAX + 1, 1], native, part(0), native, part(1))).toBe(3);
  expect(shown([1, BODIES_BYTES_MAX + 1], part(0), native, part(1))).toBe(2);
});
