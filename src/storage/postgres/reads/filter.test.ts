import { expect, test } from "bun:test";
import { eventFilter, Filter, messageFilter } from "./filter.ts";

test("no filter lets everything through", () => {
  expect(messageFilter({})).toMatchObject({ where: "true", values: [] });
  expect(eventFilter({})).toMatchObject({ where: "true", values: [] });
});

test("values never stand in the SQL, and are numbered in the order of their conditions", () => {
  const { where, values } = messageFilter(
    { from: "'; --", to: "+2", since: "2025-01-15T10:00:00.50Z" },
    "m.",
  );
  expect(where).not.toContain("--");
  const numbers = [...where.matchAll(/(\S+) (?:=|>=) \$(\d)/g)].map(([, column, number]) => [column, number]);
  expect(numbers).toHaveLength(3);
  const given = new Map(numbers.map(([column, number]) => [column, values[Number(number) - 1]]));
  expect(given).toEqual(
    new Map([
      ["m.from_msisdn", "'; --"],
      ["m.to_msisdn", "+2"],
      ["m.ts_key", "2025-01-15T10:00:00.5"],
    ]),
  );
});

test.each([
  ["100%", "%100\\%%"],
  ["a_b", "%a\\_b%"],
  ["a\\b", "%a\\\\b%"],
  ["HELLO", "%hello%"],
])("a search for %s is literal and folded", (q, pattern) => {
  expect(messageFilter({ q }).values).toEqual([pattern]);
});

test("messages of the native source are those without one", () => {
  expect(messageFilter({ source: "native" })).toMatchObject({ where: "source is null", values: [] });
  expect(messageFilter({ source: "wa" })).toMatchObject({ where: "source = $1", values: ["wa"] });
});

test("a condition that is added later gets the next number, and one without a value none", () => {
  const filter = new Filter().add(undefined, (value) => `a = ${value}`).add(1, (value) => `b = ${value}`);
  expect(filter.addRaw("c is null").add(2, (value) => `d = ${value}`)).toMatchObject({
    where: "b = $1 and c is null and d = $2",
    values: [1, 2],
  });
});
