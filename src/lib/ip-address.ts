/** IP addresses and ranges of them, as configuration and proxies write them. */
import { BlockList, isIP } from "node:net";

/** A set of ranges. */
export interface AddressRanges {
  /** `address` in canonical text; anything else is in no range. */
  readonly has: (address: string) => boolean;
}

/** Addresses that are nobody's in particular: RFC 1122, 1918, 3927, 6598, 4193, 4291. */
const NON_PUBLIC = [
  ...["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"],
  ...["::1/128", "fc00::/7", "fe80::/10"],
];

/**
 * What of IPv4 isn't on the public internet: IANA's registry of special purposes (RFC 6890), and
 * what only a cloud's machines reach. 169.254.169.254 and 100.100.100.200 are within its ranges.
 */
const SPECIAL_V4 = subnets("ipv4", [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
  ...["192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"],
  ...["192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"],
  ...["224.0.0.0/4", "240.0.0.0/4"],
  // Azure's: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
  "168.63.129.16/32",
]);

/**
 * All of IPv6 that is given out for the public internet (RFC 4291). NAT64, unique-local, link-local
 * and multicast addresses and those that hold one of IPv4 are outside of it.
 */
const GLOBAL_V6 = subnets("ipv6", ["2000::/3"]);

/** Within it: protocols' own (Teredo, ORCHID, benchmarks, …), 6to4, and two for documentation. */
const SPECIAL_V6 = subnets("ipv6", ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]);

const V4_IN_V6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;

/**
 * The canonical text of an address, which may stand in brackets or have a port behind it (as in
 * `X-Forwarded-For`); IPv4 within IPv6 as IPv4. Undefined for anything else.
 */
export function canonicalAddress(text: string): string | undefined {
  const given = text.trim();
  const bare =
    /^\[([^\]]*)\](?::\d{1,5})?$/.exec(given)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(given)?.[1] ?? given;
  if (isIP(bare) === 4) return bare;
  if (isIP(bare) !== 6 || bare.includes("%")) return undefined;
  const canonical = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (mapped === null) return V4_IN_V6.exec(canonical)?.[1] ?? canonical;
  const [high, low] = [Number.parseInt(mapped[1] ?? "", 16), Number.parseInt(mapped[2] ?? "", 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/**
 * Of addresses, `ADDRESS/BITS` and the word `private` (loopback, private, link-local, shared and
 * unique-local ranges), apart by commas or white space; undefined when one of them is none of
 * these.
 */
export function parseRanges(text: string): AddressRanges | undefined {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  return rangesOf(words.flatMap((word) => (word.toLowerCase() === "private" ? NON_PUBLIC : [word])));
}

/**
 * Whether the address is one on the public internet, reached as what it says. An address of IPv4 in
 * one of IPv6 isn't, whatever it is: nobody needs that spelling, and it names another network.
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !SPECIAL_V4.check(address, "ipv4");
  if (family !== 6 || address.includes("%")) return false;
  return GLOBAL_V6.check(address, "ipv6") && !SPECIAL_V6.check(address, "ipv6");
}

export const nonPublicRanges = rangesOf(NON_PUBLIC) as AddressRanges;

function subnets(family: "ipv4" | "ipv6", ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function rangesOf(ranges: readonly string[]): AddressRanges | undefined {
  const list = new BlockList();
  for (const range of ranges) {
    const [text = "", bits, ...more] = range.split("/");
    const address = canonicalAddress(text);
    if (address === undefined || more.length > 0) return undefined;
    const [type, bitsMax] = isIP(address) === 4 ? (["ipv4", 32] as const) : (["ipv6", 128] as const);
    const prefix = bits === undefined ? bitsMax : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (!(prefix <= bitsMax)) return undefined;
    list.addSubnet(address, prefix, type);
  }
  return {
    has: (address) => {
      const family = isIP(address);
      return family !== 0 && list.check(address, family === 4 ? "ipv4" : "ipv6");
    },
  };
}

/**
 * The first 64 bits of an IPv6 address, which one customer has all of; an IPv4 address as it is.
 */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const rest = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - groups.length - rest.length;
  return `${[...groups, ...new Array<string>(zeros).fill("0"), ...rest].slice(0, 4).join(":")}::/64`;
}
