import { expect, test } from "bun:test";
import { steeredClock } from "../../../tests/steered-clock.ts";
import { Health } from "./health.ts";

const attempt = (record: string, more: Partial<Parameters<Health["failed"]>[0]> = {}) => ({
  ...{ record, isAnswered: true, cause: "status", retryAfterMs: undefined },
  ...more,
});

test("five failures in a row on three records bring it down, on two they don't", () => {
  const health = new Health(steeredClock());
  for (const record of ["a", "b", "a", "b", "a", "b"]) expect(health.failed(attempt(record))).toBe("counted");
  expect(health.failed(attempt("c"))).toBe("down");
  expect(health.isDown).toBe(true);
});

test("a success between them begins the row anew", () => {
  const health = new Health(steeredClock());
  for (let round = 0; round < 10; round++) {
    for (const record of ["a", "b", "c", "d"]) expect(health.failed(attempt(record))).toBe("counted");
    expect(health.succeeded()).toBe(false);
  }
});

test("five in a row without an answer bring it down, whatever record it was", () => {
  const health = new Health(steeredClock());
  const refused = attempt("a", { isAnswered: false, cause: "refused" });
  for (let count = 0; count < 4; count++) expect(health.failed(refused)).toBe("counted");
  expect(health.failed(refused)).toBe("down");
  expect(health.reason).toBe("refused");
});

test("while it is down it is probed after 1, 2, 4, … 60 s, until something succeeds", () => {
  const clock = steeredClock();
  const health = new Health(clock);
  const refused = attempt("a", { isAnswered: false });
  for (let count = 0; count < 5; count++) health.failed(refused);
  const pauses: number[] = [];
  for (let count = 0; count < 9; count++) {
    pauses.push(health.heldMs / 1000);
    clock.advance(health.heldMs);
    expect(health.failed(refused)).toBe("down");
  }
  expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  health.probeNow();
  expect(health.heldMs).toBe(0);
  expect(health.succeeded()).toBe(true);
  expect([health.isDown, health.heldMs]).toEqual([false, 0]);
});

test("what was on its way when it went down doesn't put the next probe off", () => {
  const clock = steeredClock();
  const health = new Health(clock);
  for (let count = 0; count < 50; count++) health.failed(attempt(`${count}`));
  expect(health.heldMs).toBe(1000);
  clock.advance(1000);
  health.failed(attempt("probe"));
  expect(health.heldMs).toBe(2000);
});

test("the third answer in a row that asks for patience holds everything for as long", () => {
  const clock = steeredClock();
  const health = new Health(clock);
  const busy = attempt("a", { retryAfterMs: 90_000 });
  expect([health.failed(busy), health.failed(busy)]).toEqual(["counted", "counted"]);
  expect(health.heldMs).toBe(0);
  expect(health.failed(busy)).toBe("held");
  expect(health.heldMs).toBe(90_000);
  clock.advance(90_000);
  expect(health.failed(busy)).toBe("held");
  health.succeeded();
  expect(health.failed(busy)).toBe("counted");
});

test("an answer that asks for no time counts, and the shortest hold is a second", () => {
  const health = new Health(steeredClock());
  for (const record of ["a", "b", "c", "d"])
    expect(health.failed(attempt(record, { retryAfterMs: 0 }))).toBe("counted");
  expect(health.failed(attempt("e", { retryAfterMs: 0 }))).toBe("down");
  const patient = new Health(steeredClock());
  for (let count = 0; count < 3; count++) patient.failed(attempt("a", { retryAfterMs: 5 }));
  expect(patient.heldMs).toBe(1000);
});
