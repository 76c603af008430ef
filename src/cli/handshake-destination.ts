/**
 * The work of `postern deliveries handshake`: asks a destination that gets providers' own requests
 * what its provider asks when an address is saved, from this machine and without a service. What
 * the answer has to be is what a source of that kind would say.
 */
import type { DestinationConfig } from "../core/destination-config.ts";
import type { SignedRequest, SourceConfig } from "../core/source.ts";
import { excerptOf } from "../follow/deliver/excerpt.ts";
import { failureOf } from "../follow/deliver/failure.ts";
import { startOf } from "../follow/deliver/http-sink.ts";
import { randomId } from "../lib/chance.ts";
import { checkedSession } from "../lib/checked-session.ts";
import { systemClock } from "../lib/clock.ts";
import { fromFirst, openHostAddresses, systemResolve } from "../lib/host-addresses.ts";
import { inTime } from "../lib/in-time.ts";
import { outboundHost, outboundUrlMistake, urlsByAddress } from "../lib/outbound-url.ts";
import { JSON_TYPE } from "../sources/kind.ts";
import { openSource } from "../sources/open-source.ts";
import type { ConfiguredSource } from "../sources/provider-source.ts";
import { withQuery } from "../sources/trial-run.ts";
import { UsageError } from "./errors.ts";
import { neededConfigPath } from "./flags.ts";
import { print } from "./output.ts";
import { destinationOf } from "./test-destination.ts";

/** Resolves with the exit code: 0 when each handshake that there is was answered rightly. */
export async function handshakeDestination(
  name: string,
  flags: { readonly config?: string },
): Promise<number> {
  const destination = await destinationOf(name, neededConfigPath(flags.config));
  const { originals, url, allowPrivate } = destination;
  if (originals === undefined)
    throw new UsageError(`${name} gets records: handshakes are for destinations with body: original`);
  const mistake = outboundUrlMistake(new URL(url), allowPrivate);
  if (mistake !== undefined) throw new UsageError(`${name} can't be asked: ${mistake}`);
  let isRight = true;
  for (const [source, config] of Object.entries(originals))
    isRight = (await shakeHands(source, config, destination)) && isRight;
  return isRight ? 0 : 1;
}

async function shakeHands(
  name: string,
  config: SourceConfig,
  destination: DestinationConfig,
): Promise<boolean> {
  const source = openSource(name, config);
  const challenge = randomId().replaceAll("-", "");
  const found = source.greeting(new URL(destination.url).href, challenge);
  if (found === undefined) {
    const hint =
      config.kind === "meta" ? ": say what the application expects as verify_token of the destination" : "";
    await print(`${name}: its provider asks nothing that could be asked from here${hint}`);
    return config.kind !== "meta";
  }
  const expected = found.answer;
  const request = signed(source, found.request);
  await print(`${name}: sent the handshake by ${request.method}`);
  try {
    const answer = await answerTo(request, destination);
    if ("cause" in answer) {
      await print(`${name}: failed: ${answer.excerpt}`);
      return false;
    }
    const said = new TextDecoder().decode(await startOf(answer));
    const isRight = answer.status >= 200 && answer.status < 300 && isSaid(said, expected.body);
    await print(`${name}: answered ${answer.status}: ${excerptOf(said)}`);
    await print(isRight ? `${name}: right` : `${name}: wrong: it has to be 2xx and ${expected.body}`);
    return isRight;
  } catch (error) {
    const isLate = error instanceof Error && error.name === "TimeoutError";
    const why = isLate ? `no answer within ${destination.timeoutMs} ms` : failureOf(error).excerpt;
    await print(`${name}: failed: ${why}`);
    return false;
  }
}

/** As deliveries go: to an address that was checked, through no proxy and behind no redirect. */
async function answerTo(
  { method, url: asked, headers: given, body }: SignedRequest,
  { timeoutMs, allowPrivate }: DestinationConfig,
): Promise<Response | { readonly cause: string; readonly excerpt: string }> {
  const url = new URL(asked);
  const host = outboundHost(url);
  const options = { host, allowPrivate, clock: systemClock, resolve: systemResolve };
  const late = new DOMException("", "TimeoutError");
  const found = await inTime(openHostAddresses(options).find(), timeoutMs, late);
  if ("cause" in found) return found;
  const headers = new Headers(given);
  headers.set("Host", url.host);
  const session = checkedSession(host, { keepAlive: false });
  const request: BunFetchRequestInit = {
    ...{ method, headers, redirect: "manual", signal: AbortSignal.timeout(timeoutMs) },
    ...(method !== "GET" && { body }),
  };
  const urlAt = urlsByAddress(url);
  return fromFirst(
    found.addresses,
    (address) => session.fetch(urlAt(address), request),
    (error) => failureOf(error).cause === "refused",
  );
}

/** As it stands, or as a member of JSON, which Slack takes as well. */
function isSaid(said: string, expected: string): boolean {
  if (said.trim() === expected.trim()) return true;
  try {
    const value: unknown = JSON.parse(said);
    if (Bun.deepEquals(value, { challenge: expected })) return true;
    return Bun.deepEquals(value, JSON.parse(expected));
  } catch {
    return false;
  }
}

/** Signed where it has a body. */
function signed(source: ConfiguredSource, request: SignedRequest): SignedRequest {
  if (request.method === "GET") return request;
  const contentType = request.headers.get("content-type") ?? JSON_TYPE;
  const signature = source.sign({ ...request, contentType }, systemClock.now());
  const headers = new Headers(request.headers);
  for (const [name, value] of Object.entries(signature?.headers ?? {})) headers.set(name, value);
  return { ...request, headers, url: withQuery(request.url, signature?.query) };
}
