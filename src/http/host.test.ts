import { describe, expect, test } from "bun:test";
import { foreignPage, isHost } from "./host.ts";

describe("a Host", () => {
  test.each(["a", "A.example:80", "a_b-c.d", "a:", "127.0.0.1:8000", "[::1]", "[2001:db8::1]:443", null])(
    "%s is a Host",
    (host) => expect(isHost(host)).toBe(true),
  );

  test.each([
    "",
    "a, b",
    "a,b",
    "a b",
    "a/b",
    "a@b",
    "a\\b",
    "a?",
    "a#",
    "[::1",
    "[x]",
    "a:b",
    ":80",
    "\u00e9",
  ])("%j is no Host", (host) => expect(isHost(host)).toBe(false));
});

describe("a page of a foreign name", () => {
  const isForeign = foreignPage(new Set(["postern.example", "postern"]));
  const asked = (headers: Record<string, string>) => isForeign(new Headers(headers));

  test.each([
    { Origin: "http://evil.example" },
    { Origin: "null" },
    { "Sec-Fetch-Site": "same-origin" },
    { "Accept-Language": "en" },
    { "Accept-Language": "" },
    { "Accept-Language": "*" },
  ])("a page of a foreign name may be behind %j", (sent) => {
    for (const Host of ["evil.example", "evil.example:8000", "x.postern.example", "postern.example.evil.org"])
      expect(asked({ ...sent, Host })).toBe(true);
    for (const Host of ["localhost.evil.example", "127.0.0.1.nip.io", "2130706433", "0x7f.1", "notlocalhost"])
      expect(asked({ ...sent, Host })).toBe(true);
    expect(asked(sent)).toBe(true);
  });

  test("a page of a foreign name can't have an address, a loopback name or an allowed one, with any port and in any case", () => {
    const hosts = [
      "127.0.0.1:8000",
      "192.168.1.7",
      "[::1]:8000",
      "[2001:DB8::1]",
      "localhost",
      "LOCALHOST:80",
    ];
    for (const Host of [...hosts, "app.localhost:3000", "localhost.", "Postern.Example:8000", "postern"])
      expect(asked({ Origin: "http://x", "Sec-Fetch-Site": "cross-site", Host })).toBe(false);
  });

  test("a page of a foreign name isn't behind what no browser sends: curl's request, or that of Node's fetch", () => {
    expect(asked({ Host: "evil.example", "User-Agent": "curl/8" })).toBe(false);
    expect(asked({ Host: "evil.example", "Accept-Language": "*", "Sec-Fetch-Mode": "cors" })).toBe(false);
    expect(asked({})).toBe(false);
  });
});
