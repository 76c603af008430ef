/** Where requests that somebody configures may go, as far as a URL tells without a look-up. */
import { isIP } from "node:net";
import { isPublicAddress } from "./ip-address.ts";

/** Without brackets and the dot of the root; one of IPv4 is canonical in every spelling. */
export function outboundHost(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}

/** Why nothing may be sent there; undefined when it may, or the name's addresses have to tell. */
export function outboundUrlMistake(url: URL, allowPrivate: boolean): string | undefined {
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return `takes http and https only, not ${url.protocol.slice(0, -1)}`;
  const host = outboundHost(url);
  return isIP(host) === 0 || allowPrivate || isPublicAddress(host) ? undefined : nonPublicMistake([host]);
}

export function nonPublicMistake(addresses: readonly string[]): string {
  return `${addresses.join(", ")}: not on the public internet, and allow_private isn't set`;
}

/** The same URL with an address in place of the host, and without what headers say. */
export function urlsByAddress({ protocol, port, pathname, search }: URL): (address: string) => string {
  const rest = `${port === "" ? "" : `:${port}`}${pathname}${search}`;
  return (address) => `${protocol}//${isIP(address) === 6 ? `[${address}]` : address}${rest}`;
}
