/**
 * The addresses of a configured host that a request may go to. What this gives is connected to
 * as it is: no name is resolved again between the check and the connection.
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Clock } from "./clock.ts";
import { isPublicAddress } from "./ip-address.ts";
import { nonPublicMistake } from "./outbound-url.ts";

/** All addresses of a name, the best one first. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** As the system's resolver has them, `/etc/hosts` included. */
export const systemResolve: Resolve = async (host) => {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
};

type Found =
  | { readonly addresses: readonly string[] }
  | { readonly cause: "address" | "dns"; readonly excerpt: string };

interface HostAddresses {
  /** What was found within the last five seconds. */
  readonly fresh: () => Found | undefined;
  /** Looks them up. Never rejects; callers give up waiting themselves, and `forget` then. */
  readonly find: () => Promise<Found>;
  /** Whoever asks next begins a look-up of its own. */
  readonly forget: () => void;
  /** The list begins with this one from now on, while the name has it. */
  readonly prefer: (address: string) => void;
}

interface HostAddressesOptions {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly allowPrivate: boolean;
  readonly clock: Clock;
  readonly resolve: Resolve;
}

/** So long a name isn't resolved again. */
const FRESH_MS = 5000;

export function openHostAddresses(options: HostAddressesOptions): HostAddresses {
  const { clock } = options;
  let known: { readonly addresses: readonly string[]; readonly until: number } | undefined;
  let asked: Promise<Found> | undefined;
  let first: string | undefined;

  function inOrder(addresses: readonly string[]): Found {
    const at = first === undefined ? 0 : addresses.indexOf(first);
    return { addresses: at <= 0 ? addresses : [...addresses.slice(at), ...addresses.slice(0, at)] };
  }

  function fresh(): Found | undefined {
    return known !== undefined && clock.elapsed() < known.until ? inOrder(known.addresses) : undefined;
  }

  function ask(): Promise<Found> {
    const mine = lookUp(options).then((found) => {
      if (asked !== mine) return found;
      asked = undefined;
      if ("addresses" in found) known = { ...found, until: clock.elapsed() + FRESH_MS };
      return found;
    });
    return mine;
  }

  return {
    fresh,
    /** One look-up at a time, for all who ask meanwhile; what holds no address isn't kept. */
    find: async () => {
      asked ??= ask();
      const found = await asked;
      return "addresses" in found ? inOrder(found.addresses) : found;
    },
    forget: () => {
      asked = undefined;
    },
    prefer: (address) => {
      first = address;
    },
  };
}

/**
 * What one of the addresses gives, in their order; throws what the last one that was asked has
 * thrown. `goesOn` is told it, with the address that comes next: whether that one may be asked too.
 */
export async function fromFirst<Answer>(
  addresses: readonly string[],
  ask: (address: string) => Promise<Answer>,
  goesOn: (error: unknown, next: string) => boolean,
): Promise<Answer> {
  for (const [index, address] of addresses.entries()) {
    try {
      return await ask(address);
    } catch (error) {
      const next = addresses[(index + 1) % addresses.length] ?? address;
      if (!goesOn(error, next) || index === addresses.length - 1) throw error;
    }
  }
  throw new RangeError("a name was found without an address");
}

async function lookUp({ host, allowPrivate, resolve }: HostAddressesOptions): Promise<Found> {
  try {
    const found = isIP(host) === 0 ? await resolve(host) : [host];
    // One with a zone is of this machine's links, and no URL can name it.
    const whole = found.filter((each) => isIP(each) !== 0 && !each.includes("%"));
    const addresses = allowPrivate ? whole : whole.filter(isPublicAddress);
    if (addresses.length > 0) return { addresses };
    if (found.length === 0) return { cause: "dns", excerpt: `${host} has no address` };
    return { cause: "address", excerpt: `${host} is ${nonPublicMistake(found)}` };
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    return { cause: "dns", excerpt: `${host} isn't resolved: ${code ?? message ?? error}` };
  }
}
