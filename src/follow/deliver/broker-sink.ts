/**
 * What destinations that are brokers have in common: one connection that is made when there is
 * something to send and made anew after it broke, the end of attempts, and what failures mean. A
 * record counts as delivered once the broker has confirmed it.
 */
import type { DestinationConfig } from "../../core/destination-config.ts";
import { withoutCredentials } from "../../lib/url-credentials.ts";
import { type AttemptLimit, AttemptLimits } from "./attempt-limits.ts";
import { excerptOf } from "./excerpt.ts";
import { failureOf } from "./failure.ts";
import { TEMPLATE_PATTERN, TEMPLATE_RULE, templateMistake } from "./record-template.ts";
import { type Attempt, CAUSES, type Cause, type Outcome, type Sink } from "./sink.ts";
import type { SaidOfSink, SinkFinding, SinkKind, Surroundings } from "./sink-kind.ts";

export interface BrokerFailure {
  readonly cause: Cause;
  readonly detail: string;
  /** The name of the server may lead to another one by now. */
  readonly isElsewhere?: boolean;
}

interface Broker<Client> {
  /**
   * Throws what went wrong, within the destination's time-out. `ended` may be called whenever the
   * connection is over.
   */
  readonly connect: (ended: () => void) => Promise<Client>;
  /** Resolves when the broker has the record; throws what went wrong. */
  readonly publish: (client: Client, attempt: Attempt) => Promise<unknown>;
  readonly close: (client: Client) => void | Promise<void>;
  /** Of what these throw; undefined where the code of the error says it. */
  readonly failureOf: (error: unknown) => BrokerFailure | undefined;
}

/** Thrown by a broker that knows what its failure is. */
export class BrokerError extends Error {
  override readonly cause: Cause;

  constructor(cause: Cause, message: string) {
    super(message);
    this.cause = cause;
  }
}

/** Of its URL, decoded. */
interface BrokerPlace {
  readonly host: string;
  /** Undefined: the broker's own. */
  readonly port: number | undefined;
  readonly user: string;
  readonly password: string;
  /** What follows the host, without its first slash. */
  readonly path: string;
}

export function brokerPlace(url: string): BrokerPlace {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? undefined : Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    path: decodeURIComponent(pathname.slice(1)),
  };
}

interface BrokerKind extends Pick<SinkKind, "members" | "advice" | "open"> {
  /** Without TLS; with it an `s` follows. */
  readonly scheme: string;
  readonly description: string;
  /** What may follow the host; a pattern. */
  readonly path: string;
  /** The member that is a template: where a record goes. */
  readonly template: string;
}

export function brokerKind({ scheme, description, path, template, advice, ...rest }: BrokerKind): SinkKind {
  const [plain, safe] = [`${scheme}:`, `${scheme}s:`];
  return {
    schemes: [safe, plain],
    url: urlSchema(`${scheme}s?`, path, description),
    required: [],
    mistakes: (said) => mistakesIn(said, template),
    warnings: ({ url }) => plainWarnings(url, plain, `${safe}//`),
    shown: withoutCredentials,
    advice: { ...adviceOf(scheme), ...advice },
    ...rest,
  };
}

/** Where a broker hasn't its own. */
function adviceOf(scheme: string): SinkKind["advice"] {
  return {
    reset: `look into the broker's log. A port that wants TLS (${scheme}s://), or speaks another protocol, closes connections too.`,
    timeout:
      "look whether the broker answers others, and whether its port speaks TLS as url says; if it is slow, raise timeout.",
    tls:
      "check that the certificate is for the host of url, has not expired, and comes from an authority that this machine " +
      `trusts (NODE_EXTRA_CA_CERTS names one of your own); where no TLS is served, url begins with ${scheme}://.`,
    answer: "check the port of url: what listens there is no such broker.",
  };
}

/** `words` say what is made by it. */
export function templateSchema(words: string, template: string): SinkKind["members"][string] {
  const description = `${words}: ${TEMPLATE_RULE}`;
  return { type: "string", pattern: TEMPLATE_PATTERN, description, default: template };
}

/** Of the schemes and one host, with a user, a password and a path where they are given. */
function urlSchema(schemes: string, path: string, description: string): SinkKind["url"] {
  const credentials = "([^\\s/?#@:[\\]]*(:[^\\s/?#@[\\]]*)?@)?";
  const host = "([^\\s/?#@:,[\\]]+|\\[[0-9a-fA-F:.]+\\])(:[0-9]+)?";
  return {
    ...{ type: "string", pattern: `^(${schemes})://${credentials}${host}(/${path})?$` },
    description: `${description} In a user or password / ? # @ [ ] and % are %2F %3F %23 %40 %5B %5D and %25.`,
  };
}

/** What no schema tells of a broker's URL, and of the member that is a template. */
function mistakesIn(said: SaidOfSink, member: string): SinkFinding[] {
  const template = said[member];
  const words = typeof template === "string" ? templateMistake(template) : undefined;
  return [...urlMistakes(said), ...(words === undefined ? [] : [{ member, words }])];
}

function urlMistakes({ url }: SaidOfSink): SinkFinding[] {
  if (url === undefined) return [];
  try {
    brokerPlace(url);
    return [];
  } catch {
    const words =
      " is no URL that can be called: a % in a user or password is written %25, and a port is at most 65535";
    return [{ member: "url", words }];
  }
}

/** Whoever is on the way reads the password too. */
function plainWarnings(url: string | undefined, plain: string, safe: string): SinkFinding[] {
  if (!url?.startsWith(plain) || withoutCredentials(url) === url) return [];
  const words = ` sends its password and all records in the clear: ${safe} unless nobody else is on the way`;
  return [{ member: "url", words }];
}

export function openBrokerSink<Client>(
  { url, timeoutMs }: DestinationConfig,
  { clock }: Surroundings,
  broker: Broker<Client>,
): Sink {
  const limits = new AttemptLimits(clock);
  const { user, password } = brokerPlace(url);
  /** A user without a password may be a token. */
  const secrets = [password === "" ? user : password].filter((secret) => secret !== "");
  let current: Promise<Client> | undefined;

  /** Nobody waits for it: one that is still being made is closed when it is there. */
  function drop(connection: Promise<Client> | undefined): void {
    if (current === connection) current = undefined;
    connection?.then((client) => broker.close(client)).catch(() => undefined);
  }

  /** All attempts share one. */
  function connected(): Promise<Client> {
    if (current !== undefined) return current;
    const connection: Promise<Client> = broker.connect(() => drop(connection));
    current = connection;
    connection.catch(() => {
      if (current === connection) current = undefined;
    });
    return connection;
  }

  async function send(attempt: Attempt, limit: AttemptLimit): Promise<Outcome> {
    const startedAt = clock.elapsed();
    const failure = (cause: Cause, excerpt: string): Outcome => {
      const safe = secrets.reduce((text, secret) => text.replaceAll(secret, "…"), excerpt);
      const ms = Math.round(clock.elapsed() - startedAt);
      return { isDelivered: false, status: null, cause, excerpt: excerptOf(safe), ms };
    };
    if (limit.signal.aborted) return failure("stopped", CAUSES.stopped);
    const connection = connected();
    let client: Client | undefined;
    try {
      client = await limit.wait(connection);
      const isTaken = client !== undefined && (await limit.wait(taken(client, attempt)));
      if (isTaken) return { isDelivered: true, status: null, ms: Math.round(clock.elapsed() - startedAt) };
      if (limit.why === "stopped") return failure("stopped", CAUSES.stopped);
      // A connection that is dead without a word looks the same.
      drop(connection);
      const what = client === undefined ? "no connection" : "no confirmation";
      return failure("timeout", `${what} within ${timeoutMs} ms`);
    } catch (error) {
      if (limit.why === "stopped") return failure("stopped", CAUSES.stopped);
      const found = broker.failureOf(error) ?? causeOf(error);
      if (found.cause === "reset" || found.isElsewhere === true) drop(connection);
      // Who refuses a connection has seen no record.
      if (client === undefined && found.cause === "rejected")
        return failure("refused", `the server takes no connection (${found.detail})`);
      return failure(found.cause, `${CAUSES[found.cause]} (${found.detail})`);
    }
  }

  const taken = async (client: Client, attempt: Attempt) => {
    await broker.publish(client, attempt);
    return true;
  };

  return {
    send: (attempt, signal) => limits.within(timeoutMs, signal, (limit) => send(attempt, limit)),
    close: () => {
      limits.close();
      drop(current);
    },
  };
}

/** What is wrong with the connection stands in the error, or in what has caused it. */
function causeOf(error: unknown): BrokerFailure {
  if (error instanceof BrokerError) return { cause: error.cause, detail: error.message };
  const { cause: inner } = error as { readonly cause?: unknown };
  const known = failureOf(error);
  return known.cause === "failed" && inner instanceof Error ? failureOf(inner) : known;
}
