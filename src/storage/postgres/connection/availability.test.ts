import { afterEach, expect, test } from "bun:test";
import { steeredClock } from "../../../../tests/steered-clock.ts";
import { until } from "../../../../tests/until.ts";
import { StartRefused } from "../../../core/errors.ts";
import type { Log } from "../../../observe/log.ts";
import { Availability } from "./availability.ts";

const WAIT_MS = 5000;

let opened: Availability | undefined;
afterEach(() => opened?.close());

/** Of a database that fails each check by the next of these, then the last again and again. */
function availability(...failures: (Error | undefined)[]) {
  const clock = steeredClock();
  const lines: string[] = [];
  const write =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      lines.push(`${level} ${message} ${fields["reason"] ?? ""}`.trimEnd());
    };
  const checks = failures.length === 0 ? [undefined] : failures;
  const check = async () => {
    const failure = checks.length > 1 ? checks.shift() : checks[0];
    if (failure !== undefined) throw failure;
  };
  const log = { warn: write("warn"), error: write("error") } as unknown as Log;
  const subject = new Availability({ clock, log, check });
  opened = subject;
  return { subject, clock, lines, checks };
}

const away = new Error("nobody listens");

test("before the first look nobody is told that it can be used", async () => {
  const { subject } = availability();
  expect(subject.reason).toContain("has not been looked at");
  await subject.begin();
  expect(subject.reason).toBeUndefined();
  expect(await subject.wait()).toBe(true);
});

test("a start goes on without the database, says so once, and says when it is there", async () => {
  const { subject, lines } = availability(away, away, undefined);
  await subject.begin();
  expect(subject.reason).toContain("nobody listens");
  expect(await subject.wait()).toBe(true);
  expect(lines).toEqual([
    "error the database can't be used: no message is accepted until it can nobody listens",
    "warn the database can be used again",
  ]);
});

test("a start on a database that never will do is refused", async () => {
  const { subject } = availability(new StartRefused("it is newer"));
  await expect(subject.begin()).rejects.toBeInstanceOf(StartRefused);
});

test("who waits is told five seconds after the outage began, whenever they came", async () => {
  const { subject, clock } = availability(undefined, away);
  await subject.begin();
  subject.lost("it is gone");
  const early = subject.wait();
  clock.advance(WAIT_MS);
  const later = subject.wait();
  clock.advance(1);
  expect(await Promise.all([early, later, subject.wait()])).toEqual([false, false, false]);
});

test("the time to wait begins with the outage, however long the database could be used before", async () => {
  const { subject, clock } = availability(undefined);
  await subject.begin();
  clock.advance(10 * WAIT_MS);
  subject.lost("it is gone");
  expect(await subject.wait()).toBe(true);
});

test("a further failure doesn't make the outage any younger", async () => {
  const { subject, clock } = availability(undefined, away);
  await subject.begin();
  subject.lost("it is gone");
  clock.advance(WAIT_MS);
  subject.lost("it is gone still");
  clock.advance(1);
  expect(await subject.wait()).toBe(false);
  expect(subject.reason).toBe("it is gone still");
});

test("what is to be done when it is back is done before anybody is let through, and again when it fails", async () => {
  const { subject, checks } = availability(undefined, away);
  await subject.begin();
  subject.lost("it is gone");
  const done: string[] = [];
  let fails = true;
  subject.whenBack(async () => {
    done.push(subject.reason === undefined ? "too late" : "in time");
    if (fails) {
      fails = false;
      throw new Error("not yet");
    }
  });
  checks.splice(0, checks.length, undefined);
  await until("it can be used", () => subject.reason === undefined);
  expect(done).toEqual(["in time", "in time"]);
});

test("a reason that doesn't pass by waiting is said once, although something else was said before", async () => {
  const denied = Object.assign(new Error("denied"), { errno: "42501" });
  const { subject, lines } = availability(undefined, denied, denied, undefined);
  await subject.begin();
  subject.lost("it is gone");
  await until("it can be used", () => subject.reason === undefined);
  expect(lines.filter((line) => line.includes("the database won't do"))).toHaveLength(1);
});

test("closing ends every wait", async () => {
  const { subject } = availability(undefined, away);
  await subject.begin();
  subject.lost("it is gone");
  const waiting = subject.wait();
  subject.close();
  expect(await waiting).toBe(false);
});
