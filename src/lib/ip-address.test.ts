import { describe, expect, test } from "bun:test";
import { canonicalAddress, networkOf, nonPublicRanges, parseRanges } from "./ip-address.ts";

describe("an address", () => {
  test.each([
    ["203.0.113.7", "203.0.113.7"],
    [" 203.0.113.7:51000 ", "203.0.113.7"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["::FFFF:cb00:7107", "203.0.113.7"],
  ])("%s is written %s", (text, canonical) => expect(canonicalAddress(text)).toBe(canonical));

  test.each([
    "",
    "unknown",
    "_hidden",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.4:x",
    "fe80::1%eth0",
    "[::1",
    "a::b::c",
    "300.1.1.1",
  ])("%p is no address", (text) => expect(canonicalAddress(text)).toBeUndefined());

  test("an address of IPv6 counts with its network, one of IPv4 alone", () => {
    expect(networkOf("203.0.113.7")).toBe("203.0.113.7");
    expect(networkOf("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
    expect(networkOf("2001:db8::1")).toBe("2001:db8:0:0::/64");
    expect(networkOf("::1")).toBe("0:0:0:0::/64");
    expect(networkOf("2001:db8:1:2::")).toBe("2001:db8:1:2::/64");
  });
});

describe("ranges", () => {
  test("ranges hold the addresses that they name", () => {
    const ranges = parseRanges("203.0.113.0/24, 198.51.100.7 2001:db8::/32");
    expect(["203.0.113.9", "198.51.100.7", "2001:db8:9::1"].every((each) => ranges?.has(each))).toBe(true);
    expect(
      ["203.0.114.9", "198.51.100.8", "2001:db9::1", "::ffff:1", "x", ""].some((each) => ranges?.has(each)),
    ).toBe(false);
  });

  test("ranges may be all that is private", () => {
    const ranges = parseRanges("private,203.0.113.7");
    for (const each of [
      "127.0.0.1",
      "10.1.2.3",
      "172.31.0.1",
      "192.168.1.1",
      "100.64.0.1",
      "::1",
      "fd12::1",
    ]) {
      expect(ranges?.has(each)).toBe(true);
      expect(nonPublicRanges.has(each)).toBe(true);
    }
    expect(ranges?.has("203.0.113.7")).toBe(true);
    expect(ranges?.has("172.32.0.1")).toBe(false);
  });

  test.each(["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "proxy", "::/129", "10.0.0.0/-1"])(
    "%s are no ranges",
    (text) => expect(parseRanges(text)).toBeUndefined(),
  );
});
