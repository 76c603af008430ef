import { expect, test } from "bun:test";
import { parseRanges } from "../lib/ip-address.ts";
import { ClientAddresses } from "./client-address.ts";

function clients(trusted = "") {
  const warned: string[] = [];
  const ranges = parseRanges(trusted) ?? { has: () => false };
  const addresses = new ClientAddresses(ranges, (peer) => warned.push(peer));
  const of = (peer: string | undefined, forwarded?: string) =>
    addresses.of(peer, new Headers(forwarded === undefined ? {} : { "X-Forwarded-For": forwarded }));
  return { of, warned };
}

test("a public peer is the client, whatever it says of others", () => {
  const { of, warned } = clients("10.0.0.0/8");
  expect(of("203.0.113.7", "198.51.100.1")).toEqual({ address: "203.0.113.7", limitKey: "203.0.113.7" });
  expect(of("2001:db8::7")).toEqual({ address: "2001:db8::7", limitKey: "2001:db8:0:0::/64" });
  expect(of("::ffff:203.0.113.7")).toEqual({ address: "203.0.113.7", limitKey: "203.0.113.7" });
  expect(warned).toEqual([]);
});

test("of a trusted proxy's list the last address that is no trusted proxy is the client", () => {
  const { of } = clients("10.0.0.0/8 198.51.100.9");
  expect(of("10.0.0.1", "203.0.113.7").address).toBe("203.0.113.7");
  expect(of("10.0.0.1", "1.1.1.1, 203.0.113.7,10.0.0.2 , 198.51.100.9").address).toBe("203.0.113.7");
  expect(of("10.0.0.1", "10.0.0.3, 10.0.0.2")).toEqual({ address: "10.0.0.3", limitKey: undefined });
  expect(of("10.0.0.1", "203.0.113.7").limitKey).toBe("203.0.113.7");
  // What stands before something unreadable was said by nobody who is trusted.
  expect(of("10.0.0.1", "203.0.113.7, unknown, 10.0.0.2").address).toBe("10.0.0.2");
});

test("a trusted proxy that speaks for itself has no limit of its own", () => {
  const { of } = clients("198.51.100.9");
  expect(of("198.51.100.9")).toEqual({ address: "198.51.100.9", limitKey: undefined });
  expect(of("198.51.100.9", "nonsense")).toEqual({ address: "198.51.100.9", limitKey: undefined });
});

test("a private peer that isn't trusted has no limit of its own, and forwarding is told once", () => {
  const { of, warned } = clients();
  expect(of("172.18.0.1")).toEqual({ address: "172.18.0.1", limitKey: undefined });
  expect(warned).toEqual([]);
  expect(of("172.18.0.1", "203.0.113.7")).toEqual({ address: "172.18.0.1", limitKey: undefined });
  expect(of("127.0.0.1", "203.0.113.8").limitKey).toBeUndefined();
  expect(warned).toEqual(["172.18.0.1"]);
});

test("a connection that is gone has no address and no limit", () => {
  expect(clients().of(undefined, "203.0.113.7")).toEqual({ address: "unknown", limitKey: undefined });
});

test("addresses that are remembered are bounded, and each is still classified", () => {
  const { of } = clients();
  for (let n = 0; n < 10_000; n++)
    expect(of(`203.0.${n >> 8}.${n & 255}`).limitKey).toBe(`203.0.${n >> 8}.${n & 255}`);
});
