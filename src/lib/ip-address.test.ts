import { describe, expect, test } from "bun:test";
import { canonicalAddress, isPublicAddress, networkOf, nonPublicRanges, parseRanges } from "./ip-address.ts";

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

describe("the public internet", () => {
  const NOT = {
    "this host": ["0.0.0.0", "0.1.2.3", "::"],
    loopback: ["127.0.0.1", "127.255.255.254", "::1"],
    private: ["10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255"],
    "unique-local": ["fc00::1", "fd12:3456::1", "fdff:ffff::1"],
    "link-local": ["169.254.0.1", "169.254.255.255", "fe80::1", "febf::1", "fe80::1%eth0"],
    "site-local": ["fec0::1"],
    "shared by a carrier's customers": ["100.64.0.1", "100.127.255.255"],
    multicast: ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "broadcast and reserved": ["255.255.255.255", "240.0.0.1"],
    documentation: ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1", "3fff:fff::1"],
    benchmarks: ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "protocols' own": ["192.0.0.8", "192.0.0.192", "192.88.99.1", "192.31.196.1", "2001:20::1", "5f00::1"],
    "a cloud's metadata": ["169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16"],
    "a cloud's metadata, in IPv6": ["fd00:ec2::254", "fd20:ce::254"],
    "IPv4 within IPv6": ["::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:8.8.8.8", "::127.0.0.1", "::8.8.8.8"],
    "IPv4, translated": ["64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1", "::ffff:0:8.8.8.8"],
    "6to4 and Teredo": ["2002:7f00:1::", "2002:808:808::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "no address": ["", "localhost", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "[::1]", "8.8.8.8:80"],
  };
  for (const [what, addresses] of Object.entries(NOT))
    test.each(addresses)(`has nothing of ${what}: %s`, (address) => {
      expect(isPublicAddress(address)).toBe(false);
    });

  test.each([
    ...[
      "1.1.1.1",
      "8.8.8.8",
      "9.255.255.255",
      "11.0.0.0",
      "100.63.255.255",
      "100.128.0.0",
      "126.255.255.255",
    ],
    ...[
      "128.0.0.0",
      "169.253.255.255",
      "169.255.0.0",
      "172.15.255.255",
      "172.32.0.0",
      "192.0.1.0",
      "192.0.3.0",
    ],
    ...["192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.15"],
    ...["2606:4700::1111", "2a00:1450::1", "2001:200::1", "2001:4860::8888", "2003::1", "3ffe::1"],
  ])("has %s", (address) => expect(isPublicAddress(address)).toBe(true));
});
