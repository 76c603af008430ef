/**
 * Small documents that others publish, fetched by https alone: from an address that was checked,
 * through no proxy and behind no redirect
 * (docs/decisions/0025-deliveries-go-to-the-address-that-was-checked.md).
 */
import { checkedSession } from "./checked-session.ts";
import type { Clock } from "./clock.ts";
import { fromFirst, openHostAddresses, type Resolve, systemResolve } from "./host-addresses.ts";
import { outboundHost, outboundUrlMistake, urlsByAddress } from "./outbound-url.ts";

/** From the look-up of the name until the document is whole. */
const TIMEOUT_MS = 5000;
const DOCUMENT_BYTES_MAX = 256 * 1024;
/** Hosts whose addresses are remembered. */
const HOSTS_MAX = 64;

/** Why there is no document, in words without the URL, which may hold a secret. */
export class DocumentUnavailable extends Error {
  override readonly name = "DocumentUnavailable";
}

/** The document of a 200; throws `DocumentUnavailable`. */
export type FetchDocument = (url: URL, allowPrivate: boolean) => Promise<Uint8Array>;

interface FetcherOptions {
  readonly clock: Clock;
  readonly resolve?: Resolve;
  /** PEM; certificates of these authorities are accepted instead of the system's. */
  readonly ca?: string;
}

export function documentFetcher({ clock, resolve = systemResolve, ca }: FetcherOptions): FetchDocument {
  const hosts = new Map<string, ReturnType<typeof openHostAddresses>>();

  function addressesOf(host: string, allowPrivate: boolean) {
    const key = `${allowPrivate} ${host}`;
    const known = hosts.get(key) ?? openHostAddresses({ host, allowPrivate, clock, resolve });
    // Back at the end: the first of them is the one that wasn't asked for longest.
    hosts.delete(key);
    hosts.set(key, known);
    if (hosts.size > HOSTS_MAX) hosts.delete(hosts.keys().next().value ?? "");
    return known;
  }

  return async (url, allowPrivate) => {
    const host = outboundHost(url);
    if (url.protocol !== "https:") throw new DocumentUnavailable(`${host} is asked by https only`);
    const mistake = outboundUrlMistake(url, allowPrivate);
    if (mistake !== undefined) throw new DocumentUnavailable(mistake);
    const addresses = addressesOf(host, allowPrivate);
    const end = new AbortController();
    const cancel = clock.after(TIMEOUT_MS, () => end.abort());
    using session = checkedSession(host, { keepAlive: false, ca });
    try {
      const found = addresses.fresh() ?? (await unlessEnded(addresses.find(), end.signal));
      if (found === undefined) addresses.forget();
      if (found === undefined) throw new DocumentUnavailable(`${host} isn't resolved in time`);
      if ("cause" in found) throw new DocumentUnavailable(found.excerpt);
      const urlAt = urlsByAddress(url);
      const ask = (address: string) => documentAt(session, urlAt(address), url.host, end.signal);
      return await fromFirst(found.addresses, ask, (error, next) => {
        // Nothing is lost by asking twice; after a time-out the next address comes first.
        addresses.prefer(next);
        return !(error instanceof DocumentUnavailable) && !end.signal.aborted;
      });
    } catch (error) {
      if (error instanceof DocumentUnavailable) throw error;
      const { code, name } = error as { code?: unknown; name?: string };
      const why = end.signal.aborted ? `no answer within ${TIMEOUT_MS} ms` : `${code ?? name}`;
      throw new DocumentUnavailable(`${host} can't be asked: ${why}`);
    } finally {
      cancel();
    }
  };
}

/** Throws what `fetch` throws when there is no answer. */
async function documentAt(
  session: Bun.FetchSession,
  url: string,
  host: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const answer = await session.fetch(url, {
    headers: { Host: host, Accept: "*/*", "Accept-Encoding": "identity", "User-Agent": "Postern" },
    redirect: "manual",
    decompress: false,
    signal,
  });
  if (answer.status !== 200) {
    await answer.body?.cancel();
    throw new DocumentUnavailable(`${host} answered ${answer.status}, not 200`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = answer.body?.getReader();
  for (;;) {
    const next = await reader?.read();
    if (next === undefined || next.done) return Buffer.concat(chunks);
    bytes += next.value.length;
    if (bytes > DOCUMENT_BYTES_MAX) {
      await reader?.cancel();
      throw new DocumentUnavailable(`${host} sends more than ${DOCUMENT_BYTES_MAX} bytes`);
    }
    chunks.push(next.value);
  }
}

async function unlessEnded<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const ended = Promise.withResolvers<undefined>();
  signal.addEventListener("abort", () => ended.resolve(undefined));
  return Promise.race([promise, ended.promise]);
}
