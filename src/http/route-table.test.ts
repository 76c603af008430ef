import { describe, expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import type { Listener, Route } from "../lib/route.ts";
import { RouteTable } from "./route-table.ts";

const route = (method: "GET" | "POST", path: string, listener: Listener = "public"): Route =>
  ({ method, path, access: "open", listener }) as unknown as Route;

const ROUTES = [
  route("POST", "/webhook"),
  route("POST", "/webhook/{source}"),
  route("GET", "/webhook/{source}"),
  route("GET", "/webhook/status"),
  route("GET", "/messages", "read"),
  route("GET", "/messages/{message_id}", "read"),
];
const table = new RouteTable(ROUTES, "all");
const found = (path: string) => {
  const match = table.find(path);
  return match && [match.entry.pattern, match.parameter];
};

describe("a path", () => {
  test("that is a constant route's is that route's, whatever pattern fits it too", () => {
    expect(found("/webhook")).toEqual(["/webhook", ""]);
    expect(found("/webhook/status")).toEqual(["/webhook/status", ""]);
    expect(found("/webhook/status2")).toEqual(["/webhook/{source}", "status2"]);
  });

  test("fits a pattern with one segment that isn't empty, decoded after it was split off", () => {
    expect(found("/messages/m1")).toEqual(["/messages/{message_id}", "m1"]);
    expect(found("/messages/a%2Fb%3Ac%25")).toEqual(["/messages/{message_id}", "a/b:c%"]);
    expect(found("/messages/%2e%2E")).toEqual(["/messages/{message_id}", ".."]);
    expect(found("/messages/+")).toEqual(["/messages/{message_id}", "+"]);
    for (const path of ["/messages/", "/messages//", "/messages/a/b", "/messages/a/", "/messagesx", "//m"])
      expect(found(path)).toBeUndefined();
  });

  test.each(["%", "%4", "%zz", "%ff", "%c3", "%c3%28", "%ed%a0%80", "%00", "a%00b", "%C0%80"])(
    "with the broken escapes %s is unknown",
    (raw) => expect(found(`/messages/${raw}`)).toBeUndefined(),
  );

  test("leads to any identifier that was encoded", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (id) => {
        fc.pre(id.isWellFormed() && !id.includes("\0"));
        expect(found(`/messages/${encodeURIComponent(id)}`)).toEqual(["/messages/{message_id}", id]);
      }),
    );
  });

  test("that no listener's route has is unknown there", () => {
    expect(new RouteTable(ROUTES, "public").find("/messages/m1")).toBeUndefined();
    expect(new RouteTable(ROUTES, "read").find("/webhook/x")).toBeUndefined();
  });
});

test("all methods of a pattern are allowed together", () => {
  expect(table.find("/webhook/x")?.entry.allow).toBe("POST, GET, HEAD");
  expect(table.find("/webhook")?.entry.allow).toBe("POST");
});

test("one slash too many is known of constant paths alone", () => {
  expect(table.withoutSlash("/webhook/")).toBe("/webhook");
  for (const path of ["/webhook", "/webhook//", "/webhook/x/", "/messages/{message_id}/", "/", ""])
    expect(table.withoutSlash(path)).toBeUndefined();
});
