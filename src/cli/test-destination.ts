/**
 * The work of `postern deliveries test`: one signed sample to a destination of the configuration
 * file, from this machine and without a service. It prints no secret, and of the URL what its kind
 * shows.
 */
import { systemEnvironment } from "../config.ts";
import type { DestinationConfig } from "../core/destination-config.ts";
import { NATIVE } from "../core/source.ts";
import { type Attempt, CAUSES, type Cause, type Outcome, type Undelivered } from "../follow/deliver/sink.ts";
import { openSink, sinkKindOf } from "../follow/deliver/sinks.ts";
import { randomId } from "../lib/chance.ts";
import { systemClock } from "../lib/clock.ts";
import { openSource } from "../sources/open-source.ts";
import { VERSION } from "../version.ts";
import { UsageError } from "./errors.ts";
import { neededConfigPath } from "./flags.ts";
import { print } from "./output.ts";

interface TestFlags {
  readonly config?: string;
  readonly json?: true;
}

/** Resolves with the exit code: 0 when the destination took the sample. */
export async function testDestination(name: string, { config, json }: TestFlags): Promise<number> {
  const destination = await destinationOf(name, neededConfigPath(config));
  const sink = openSink(destination, { version: VERSION, clock: systemClock, isGuest: true });
  const sample = { ...sampleNow(), ...originalSample(destination) };
  const outcome = await sink.send(sample, new AbortController().signal);
  await sink.close();
  if (json === true) {
    const { isDelivered: delivered, ...rest } = outcome;
    await print(JSON.stringify({ destination: name, webhook_id: sample.id, delivered, ...rest }));
  } else for (const line of report(destination, sample, outcome)) await print(line);
  return outcome.isDelivered ? 0 : 1;
}

/** Throws `UsageError` where the file has none of this name, or mistakes. */
export async function destinationOf(name: string, path: string): Promise<DestinationConfig> {
  const { ConfigFileInvalid, loadConfigFile } = await import("../config-file/config-file.ts");
  try {
    const { destinations } = loadConfigFile(path, systemEnvironment());
    const found = destinations.find((each) => each.name === name);
    if (found !== undefined) return found;
    const known = destinations.length === 0 ? "none" : destinations.map((each) => each.name).join(", ");
    throw new UsageError(`${path} has no destination ${JSON.stringify(name)}: it has ${known}`);
  } catch (error) {
    if (error instanceof ConfigFileInvalid) throw new UsageError(error.message);
    throw error;
  }
}

/** New each time, so that nobody takes it for a double, and of a type that no record has. */
function sampleNow(): Attempt {
  const timestamp = new Date(systemClock.now()).toISOString();
  const data = { text: "A sample of postern deliveries test: no message." };
  return {
    id: `evt_${randomId().replaceAll("-", "")}`,
    ...{ number: 1, isReplay: false },
    body: JSON.stringify({ type: "postern.test", timestamp, data }),
    // It goes where messages of `POST /webhook` go.
    about: { source: NATIVE, kind: "message", type: null, from: null, to: null },
  };
}

/** A trial of the first source, where the destination gets providers' own requests. */
function originalSample({ originals = {}, url }: DestinationConfig): Pick<Attempt, "original"> {
  const [found] = Object.entries(originals);
  if (found === undefined) return {};
  const [name, config] = found;
  const now = systemClock.now();
  const ts = `${new Date(now).toISOString().slice(0, 19)}Z`;
  const message = { message_id: `postern-test-${randomId()}`, from: "+15550000001", to: "+15550000002", ts };
  const text = "A sample of postern deliveries test";
  const trial = openSource(name, config).trial({ ...message, text }, new URL(url).href, now);
  if (trial === undefined)
    throw new UsageError(`no sample of ${name} can be made: what its messages are isn't known`);
  const { headers, body, query } = trial;
  return { original: { headers, body, ...(query !== undefined && { query }) } };
}

function report(
  destination: DestinationConfig,
  { id, original }: Attempt,
  outcome: Outcome,
): readonly string[] {
  const { shown, advice } = sinkKindOf(destination);
  const what = original === undefined ? "postern.test" : "as its provider would send one";
  const sent = `sent: ${id} (${what}) to ${shown(destination.url)}`;
  if (outcome.isDelivered) {
    const how = outcome.status === null ? "confirmed" : `answered ${outcome.status}`;
    return [sent, `delivered: ${how} within ${outcome.ms} ms; records are taken likewise`];
  }
  const { status, cause, excerpt, ms } = outcome;
  return [
    sent,
    ...(status === null
      ? [`failed within ${ms} ms: ${cause}: ${excerpt ?? CAUSES[cause]}`]
      : [`failed: answered ${status} within ${ms} ms`, ...(excerpt === null ? [] : [`it said: ${excerpt}`])]),
    ...(outcome.retryAfterMs === undefined
      ? []
      : [`it asks to be left alone for ${Math.ceil(outcome.retryAfterMs / 1000)} s`]),
    `what to do: ${advice[cause] ?? adviceOn(outcome)}`,
  ];
}

const ADVICE: Readonly<Record<Exclude<Cause, "status">, string>> = {
  redirect: "redirects are never followed: set url to where this one leads, if that is yours.",
  refused:
    "start the application, and check the host and port of url, and that a firewall lets this machine through.",
  reset:
    "look into the application's log: it, or a proxy before it, closed the connection without an answer. A port that " +
    "speaks another protocol does so too.",
  timeout:
    "answer first and work afterwards; if the application needs longer, raise timeout. A firewall that drops packets " +
    "looks the same.",
  dns: "check the host of url, and that the name server of this machine knows it.",
  tls:
    "check that the certificate is for this host, has not expired, and comes with its chain from an authority that this " +
    "machine trusts; where no TLS is served, url begins with http://.",
  address:
    "the name leads to addresses that aren't public: if that is meant, set allow_private: true for this destination.",
  answer: "check the port of url: what listens there doesn't speak HTTP, or answers wrongly.",
  login: "check the user and the password in url, and what that user may write.",
  rejected: "what it said above is why: its own log may tell more.",
  unroutable: "create what is to take the records: a queue with its binding, or a stream.",
  disk: "check the folder, who may write there, and the free space.",
  stopped: "try again.",
  failed: "what is named above says what went wrong on this machine.",
};

/** Of answers: the first that fits. */
const ADVICE_ON_STATUS: readonly (readonly [isMeant: (status: number) => boolean, advice: string])[] = [
  [
    (status) => status === 401 || status === 403,
    "it refuses the signature, or wants a login: give the application the same secret as this file, have it check the raw " +
      "bytes of the body, and check its clock.",
  ],
  [(status) => status === 404 || status === 405, "check the path of url: nothing takes a POST there."],
  [
    (status) => status === 410,
    "it says that it is gone for good, and the service would pause it: put the right url in the file, then resume it.",
  ],
  [(status) => status === 413, "raise the limit for bodies of the application, or of a proxy before it."],
  [
    (status) => status === 408 || status === 429,
    "it is asked too often or too much at once: lower rate or concurrency of this destination.",
  ],
  [
    (status) => status >= 400 && status < 500,
    "it takes the body for wrong. The sample is of the type postern.test: an application should answer 2xx to types that " +
      "it doesn't know.",
  ],
  [
    (status) => status === 502 || status === 503 || status === 504,
    "a proxy answers, and the application behind it doesn't, or it is overloaded: look whether it runs.",
  ],
  [(status) => status >= 500, "look into the application's log: it failed on this request."],
  [() => true, "only 2xx counts as taken: have the application answer 200 or 204."],
];

function adviceOn({ cause, status }: Undelivered): string {
  if (cause !== "status") return ADVICE[cause];
  return ADVICE_ON_STATUS.find(([isMeant]) => isMeant(status ?? 0))?.[1] ?? "";
}
