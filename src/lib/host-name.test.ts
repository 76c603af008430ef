import { expect, test } from "bun:test";
import { hostName, parseHostNames, withPort } from "./host-name.ts";

test.each([
  ["A.example:80", "a.example"],
  ["a.example.:80", "a.example"],
  ["a.example.", "a.example"],
  ["[::1]:8000", "[::1]"],
  ["[::1]", "[::1]"],
  ["a:", "a"],
  ["", ""],
])("the name in %s is %s", (host, name) => expect(hostName(host)).toBe(name));

test.each([
  ["", []],
  ["a", ["a"]],
  [" A.example , b_c-d.e. ,", ["a.example", "b_c-d.e"]],
])("the list %j has the names %j", (list, names) =>
  expect([...(parseHostNames(list) ?? ["none"])]).toEqual(names),
);

test.each(["a:80", "http://a", "a/b", "*.a", "a b", ".", "a,,-b", "[::1]"])("the list %j is none", (list) =>
  expect(parseHostNames(list)).toBeUndefined(),
);

test.each([
  ["127.0.0.1", "127.0.0.1:80"],
  ["a.example", "a.example:80"],
  ["::1", "[::1]:80"],
  ["[::1]", "[::1]:80"],
])("%s with a port is %s", (host, expected) => {
  expect(withPort(host, 80)).toBe(expected);
});
