import { describe, expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import type { Listener, Route } from "../lib/route.ts";
import { parametersOf, sentPath, targetsOf } from "./route-table.ts";

const route = (method: Route["method"], path: string, more: Partial<Route> = {}): Route =>
  ({ method, path, access: "open", listener: "public", ...more }) as unknown as Route;

const ROUTES = [
  route("POST", "/webhook"),
  route("POST", "/webhook/{source}", { slashServed: true }),
  route("GET", "/webhook/{source}"),
  route("GET", "/messages", { listener: "read" }),
  route("GET", "/messages/{message_id}", { listener: "read" }),
];
const MESSAGES = "/messages/{name}";
const NEXT = "/consumers/{name}/next";
const REPLAY = "/destinations/{name}/replays/{id}";
const matches = (listener: Listener | "all") =>
  targetsOf(ROUTES, listener).map(({ match, entry, redirects }) => [match, entry.pattern, redirects]);

describe("the targets of a listener", () => {
  test("the targets of a listener are its paths; of constant ones also with one slash too many, which redirects", () => {
    expect(matches("read")).toEqual([
      ["/messages", "/messages", false],
      ["/messages/", "/messages", true],
      ["/messages/:message_id", "/messages/{message_id}", false],
    ]);
  });

  test("the targets of a listener are served with a slash behind the parameter only where the route says so", () => {
    expect(matches("public")).toEqual([
      ["/webhook", "/webhook", false],
      ["/webhook/", "/webhook", true],
      ["/webhook/:source", "/webhook/{source}", false],
      ["/webhook/:source/", "/webhook/{source}", false],
    ]);
    expect(matches("all")).toEqual([...matches("public"), ...matches("read")]);
  });

  test("the targets of a listener with a constant end behind the parameter redirect from one slash too many, as constant paths do", () => {
    const routes = [route("PUT", "/consumers/{name}"), route("GET", "/consumers/{name}/next")];
    expect(
      targetsOf(routes, "all").map(({ match, redirects, hasParameters }) => [
        match,
        redirects,
        hasParameters,
      ]),
    ).toEqual([
      ["/consumers/:name", false, true],
      ["/consumers/:name/next", false, true],
      ["/consumers/:name/next/", true, true],
    ]);
  });

  test("the targets of a listener allow all methods of a pattern together", () => {
    const allowed = new Map(targetsOf(ROUTES, "all").map(({ match, entry }) => [match, entry.allow]));
    expect(allowed.get("/webhook/:source")).toBe("POST, GET, HEAD");
    expect(allowed.get("/webhook")).toBe("POST");
  });
});

describe("a parameter", () => {
  /** Of a path that `Request.url` gives as it was sent. */
  const of = (raw: string, sent = new TextDecoder().decode(Buffer.from(unescaped(raw), "latin1"))) =>
    parametersOf(`/messages/${raw}`, MESSAGES, { name: sent })?.["name"];

  test("a parameter is decoded after it was split off", () => {
    expect(of("m1")).toBe("m1");
    expect(of("a%2Fb%3Ac%25")).toBe("a/b:c%");
    expect(of("a%5C..%5Cb")).toBe("a\\..\\b");
    expect(of("...")).toBe("...");
    expect(of("+")).toBe("+");
    expect(of("wa/")).toBeUndefined();
    expect(of("wa/", "wa")).toBe("wa");
  });

  test.each(["%", "%4", "%zz", "%ff", "%c3", "%c3%28", "%ed%a0%80", "%00", "a%00b", "%C0%80"])(
    "a parameter with the broken escapes %s is none",
    (raw) => expect(of(raw)).toBeUndefined(),
  );

  test.each([".", "..", "%2e%2E", ".%2e", "a\\b", "..\\stats", "m1#f", "a/b"])(
    "a parameter is none where the target isn't normal: %s",
    (raw) => expect(of(raw)).toBeUndefined(),
  );

  test.each([
    ["/messages/b", "a\\..\\b"],
    ["/messages/a/b", "a\\b"],
    ["/messages/", "."],
    ["/", ".."],
    ["/stats", "..\\stats"],
  ])("a parameter is none where the URL says %s and %s was sent", (path, sent) =>
    expect(parametersOf(path, MESSAGES, { name: sent })).toBeUndefined(),
  );

  test.each([
    ["/consumers/a/next", "a"],
    ["/consumers/a/next/", "a"],
    ["/consumers/a%2Fb/next", "a/b"],
    ["/consumers/next/next", "next"],
    ["/consumers/%2e%2e%2fnext/next", "../next"],
  ])("a parameter stands before a constant end too: %s has %s", (path, sent) =>
    expect(parametersOf(path, NEXT, { name: sent })).toEqual({ name: sent }),
  );

  test.each([
    ["/consumers/b/next", "a\\..\\b"],
    ["/consumers/next", "."],
    ["/next", ".."],
    ["/consumers/a/b/next", "a/b"],
    ["/consumers/%2e%2e/next", ".."],
    ["/consumers/%00/next", "\0"],
    ["/consumers/a/last", "a"],
    ["/consumers/a/next//", "a"],
    ["/stats", "..\\..\\stats"],
  ])("a parameter before a constant end is none where the URL says %s and %j was sent", (path, sent) =>
    expect(parametersOf(path, NEXT, { name: sent })).toBeUndefined(),
  );

  test("a path may have several, each of which is the one that was sent", () => {
    const path = "/destinations/a/replays/b%2Fc";
    expect(parametersOf(path, REPLAY, { name: "a", id: "b/c" })).toEqual({ name: "a", id: "b/c" });
    expect(parametersOf(path, REPLAY, { name: "a", id: "b" })).toBeUndefined();
    expect(parametersOf(path, REPLAY, { name: "b", id: "b/c" })).toBeUndefined();
  });

  test("a parameter is any other identifier that was encoded", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (id) => {
        fc.pre(id.isWellFormed() && !id.includes("\0") && id !== "." && id !== "..");
        expect(of(encodeURIComponent(id), id)).toBe(id);
      }),
    );
  });
});

test.each([
  ["/stats", "/:a", ["webhook\\..\\stats"], "/webhook\\..\\stats"],
  ["/stats", "/:a/:b/:c", ["webhook", "..", "stats"], "/webhook/../stats"],
  ["/stats/", "/:a/:b/:c/", ["webhook", "..", "stats"], "/webhook/../stats/"],
  ["/stats", "/:a/:b", [".", "stats"], "/./stats"],
  ["/", "/webhook/:a", [".."], "/webhook/.."],
  ["/", "/webhook/:a/", [".."], "/webhook/../"],
  ["/a%20b", "/:a", ["a b"], "/a%20b"],
  ["/%5c..%5cstats", "/:a", ["\\..\\stats"], "/%5c..%5cstats"],
  ["/%ff", "/:a", ["\ufffd"], "/%ff"],
  ["/x", "/:a/:b/:c", ["%\n/\u00e9", "..", "x"], "/%25%0A%2F%C3%A9/../x"],
  ["/", "/:a/:b", ["\ud800", ".."], "/%EF%BF%BD/.."],
])("of %s by %s with %j the log says %s", (path, match, values, sent) => {
  const params = Object.fromEntries(values.map((value, index) => ["abc"[index], value]));
  expect(sentPath(path, match, params)).toBe(sent);
});

/** The bytes that stand behind escapes, as characters up to U+00FF; broken ones stay. */
function unescaped(raw: string): string {
  return raw.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
