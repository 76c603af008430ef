/**
 * Whose request it is: the connection's address or, behind a trusted proxy, what that says of it. A
 * header of anyone else is never believed.
 */
import { type AddressRanges, canonicalAddress, networkOf, nonPublicRanges } from "../lib/ip-address.ts";
import type { Client } from "../lib/route.ts";

/** Addresses whose classification is remembered. */
const KNOWN_MAX = 4096;
const UNKNOWN: Client = { address: "unknown", limitKey: undefined };

export class ClientAddresses {
  readonly #trusted: AddressRanges;
  readonly #onUntrusted: (peer: string) => void;
  readonly #peers = new Map<
    string,
    { readonly client: Client; readonly trusted: boolean; readonly near: boolean }
  >();
  #warned = false;

  /** `onUntrusted` hears once of a private peer that forwards for others without being trusted. */
  constructor(trusted: AddressRanges, onUntrusted: (peer: string) => void) {
    this.#trusted = trusted;
    this.#onUntrusted = onUntrusted;
  }

  /** `peer` is the connection's address, undefined when it is closed already. */
  of(peer: string | undefined, headers: Headers): Client {
    if (peer === undefined) return UNKNOWN;
    const { client, trusted, near } = this.#peer(peer);
    if (!trusted && (!near || this.#warned)) return client;
    const forwarded = headers.get("x-forwarded-for");
    if (forwarded === null) return client;
    if (trusted) return this.#forwarded(forwarded) ?? client;
    this.#warned = true;
    this.#onUntrusted(client.address);
    return client;
  }

  #peer(peer: string) {
    const known = this.#peers.get(peer);
    if (known !== undefined) return known;
    const address = canonicalAddress(peer) ?? peer;
    const trusted = this.#trusted.has(address);
    const near = nonPublicRanges.has(address);
    // One address may stand for everybody there: a balancer, a container's gateway.
    const limitKey = trusted || near ? undefined : networkOf(address);
    const made = { client: { address, limitKey }, trusted, near };
    if (this.#peers.size >= KNOWN_MAX) this.#peers.clear();
    this.#peers.set(peer, made);
    return made;
  }

  /** Each proxy adds whom it heard from at the end: the last one that is no proxy of ours. */
  #forwarded(header: string): Client | undefined {
    const hops = header.split(",");
    let address: string | undefined;
    let isProxy = false;
    for (let index = hops.length - 1; index >= 0; index--) {
      const hop = canonicalAddress(hops[index] ?? "");
      if (hop === undefined) break;
      address = hop;
      isProxy = this.#trusted.has(hop);
      if (!isProxy) break;
    }
    // When all of them are proxies, the first one hides whom it heard from.
    return address === undefined
      ? undefined
      : { address, limitKey: isProxy ? undefined : networkOf(address) };
  }
}
