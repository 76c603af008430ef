/**
 * Errors of servers and connections, by their SQLSTATE (PostgreSQL's appendix A) or the driver's
 * word.
 */
import { describe, expect, test } from "bun:test";
import { StartRefused } from "../../../core/errors.ts";
import { type FailureKind, failureOf, isTimeout } from "./failures.ts";

/** As Bun's driver throws what the server says. */
const ofServer = (errno: string, message = "words of the server") =>
  Object.assign(new Error(message), { errno, code: "ERR_POSTGRES_SERVER_ERROR" });
const ofDriver = (code: string) => Object.assign(new Error("words of the driver"), { code });

describe("what an error means for whoever waits", () => {
  const CODES: readonly (readonly [code: string, what: string, kind: FailureKind])[] = [
    ["22021", "an invalid byte sequence", "data"],
    ["23514", "a check constraint", "data"],
    ["P0001", "an exception that a trigger raises", "data"],
    ["40001", "a serialization failure", "again"],
    ["40P01", "a deadlock", "again"],
    ["55P03", "a lock that isn't available", "again"],
    ["57014", "a statement beyond its time", "again"],
    ["08006", "a connection that failed", "lost"],
    ["08007", "a commit whose outcome isn't known", "lost"],
    ["25P03", "a session that was silent within a transaction", "lost"],
    ["40003", "a statement whose completion isn't known", "lost"],
    ["57P01", "a session that an administrator ends", "lost"],
    ["57P02", "a crash", "lost"],
    ["57P03", "a server that starts", "lost"],
    ["25006", "a server that only reads", "unavailable"],
    ["28P01", "a wrong password", "unavailable"],
    ["3D000", "a database that isn't there", "unavailable"],
    ["42501", "a privilege that is missing", "unavailable"],
    ["42P01", "a table that is missing", "unavailable"],
    ["53100", "a full disk", "unavailable"],
    ["53300", "too many connections", "unavailable"],
    ["57P04", "a database that was dropped", "unavailable"],
    ["58030", "an I/O error", "unavailable"],
    ["XX001", "corrupted data", "unavailable"],
  ];
  test.each(CODES)("%s, %s, is of the kind %s", (code, _, kind) => {
    expect(failureOf(ofServer(code)).kind).toBe(kind);
  });

  test.each(["ECONNREFUSED", "ECONNRESET", "ERR_POSTGRES_CONNECTION_CLOSED", "ERR_POSTGRES_IDLE_TIMEOUT"])(
    "%s, which the driver or the system says, is a lost connection",
    (code) => {
      expect(failureOf(ofDriver(code)).kind).toBe("lost");
    },
  );

  test.each([
    ["an error of ours", new TypeError("undefined is no object")],
    ["a value that the driver can't take", ofDriver("ERR_INVALID_ARG_TYPE")],
    ["a number beyond its range", ofDriver("ERR_OUT_OF_RANGE")],
    ["what is no error at all", "a text"],
  ])("%s is no outage: the intake alone is refused", (_, error) => {
    expect(failureOf(error).kind).toBe("data");
  });
});

test("the reason is the code and the server's words", () => {
  expect(failureOf(ofServer("53100", "No space left on device"))).toEqual({
    kind: "unavailable",
    reason: "53100 No space left on device",
    isLasting: false,
  });
});

test.each([
  ["28000", /pg_hba\.conf/],
  ["28P01", /password/],
  ["3D000", /make it, or correct the URL/],
  ["3F000", /privilege/],
  ["42501", /privilege/],
])("%s doesn't pass by waiting, and the reason says what to do", (code, advice) => {
  const { reason, isLasting } = failureOf(ofServer(code, "no"));
  expect(isLasting).toBe(true);
  expect(reason).toStartWith(`${code} no (`);
  expect(reason).toMatch(advice);
});

test("a start that is refused doesn't pass by waiting either", () => {
  expect(failureOf(new StartRefused("another database"))).toMatchObject({
    reason: "another database",
    isLasting: true,
  });
});

test("only a statement beyond its time is a timeout, and not a lock's or a connection's", () => {
  expect(isTimeout(ofServer("57014"))).toBe(true);
  for (const error of [ofServer("55P03"), ofServer("57P01"), ofDriver("ERR_POSTGRES_CONNECTION_TIMEOUT")])
    expect(isTimeout(error)).toBe(false);
});
