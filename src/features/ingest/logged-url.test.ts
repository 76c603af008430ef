import { expect, test } from "bun:test";
import { fc } from "../../../tests/property.ts";
import { loggedUrl } from "./logged-url.ts";

test.each([
  ["https://hooks.example.org:8443/in/", "https://hooks.example.org:8443/in/"],
  ["https://hooks.example.org/in?", "https://hooks.example.org/in?"],
  ["https://hooks.example.org/in?a=1&b=2=3&c", "https://hooks.example.org/in?a=&b=&…"],
  ["https://hooks.example.org/in?a=x?b=y", "https://hooks.example.org/in?a="],
  ["https://user:p@ss@hooks.example.org/a@b", "https://…@hooks.example.org/a@b"],
])("%s is said as %s", (url, said) => {
  expect(loggedUrl(url)).toBe(said);
});

test("no value of a query is ever said, and the length is bounded", () => {
  const value = fc.string({ unit: fc.constantFrom("%", "?", "=", "/", "@", "0", "é") });
  fc.assert(
    fc.property(fc.array(value), fc.integer({ min: 0, max: 2000 }), (values, more) => {
      const query = values.map((each, index) => `n${index}=<${each}>`).join("&");
      const said = loggedUrl(`https://host/in?${query}&${"x".repeat(more)}`);
      expect(said).not.toMatch(/[<>x]/);
      expect(said.length).toBeLessThanOrEqual(257);
    }),
  );
});
