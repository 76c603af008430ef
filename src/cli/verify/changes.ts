/**
 * What may have happened to a request between its signing and us, each as another form of it to
 * try: another body, another URL, another moment.
 */
import type { SignedRequest } from "../../core/source.ts";
import { openSource, type SourceConfig } from "../../sources/open-source.ts";
import type { ConfiguredSource } from "../../sources/provider-source.ts";
import { unchunked } from "./captured-request.ts";

/** By which rules, what was sent, and when. */
export interface Attempt {
  readonly source: ConfiguredSource;
  readonly request: SignedRequest;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface Change {
  /** What it means when the proof holds by this change. */
  readonly hint: string;
  readonly to: {
    /** Another reading of the source's configuration. */
    readonly config?: (config: SourceConfig) => SourceConfig;
    readonly body?: Uint8Array;
    readonly url?: string;
    readonly now?: number;
  };
}

/** Throws `SchemeError` for a reading of the configuration that can't be. */
export function changed(attempt: Attempt, changes: readonly Change[]): Attempt {
  let { now } = attempt;
  let { body, url } = attempt.request;
  let { config } = attempt.source;
  for (const { to } of changes) {
    ({ now = now, body = body, url = url } = to);
    config = to.config?.(config) ?? config;
  }
  const { source } = attempt;
  return {
    source: config === source.config ? source : openSource(source.name, config),
    now,
    request: { ...attempt.request, body, url },
  };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * What tools do to a body on its way: line ends, a JSON parser and writer, a cut. Each other form
 * once.
 */
export function bodyChanges({ headers, body }: SignedRequest): readonly Change[] {
  const text = textOf(body);
  const length = Number(headers.get("content-length") ?? Number.NaN);
  const forms: readonly (readonly [hint: string, form: string | Uint8Array | undefined])[] = [
    ["without the body's last newline: something added it", text?.replace(/\r?\n$/, "")],
    ["with a newline after the body: something cut it off", text === undefined ? text : `${text}\n`],
    ["with CR LF after the body: something cut it off", text === undefined ? text : `${text}\r\n`],
    [
      `for the first ${length} bytes of the body, which is what Content-Length says`,
      length < body.length ? body.subarray(0, length) : undefined,
    ],
    ["for the body put together from its chunks", unchunked(body)],
    ["without the byte order mark before the body", text?.replace(/^\ufeff/, "")],
    ["with LF for the body's CR LF", text?.replaceAll("\r\n", "\n")],
    ["with CR LF for the body's LF", text?.replace(/\r?\n/g, "\r\n")],
    ...jsonForms(text).map(
      ([how, form]) => [`for the JSON written ${how}: something re-serialised the body`, form] as const,
    ),
  ];
  const seen = new Set([Buffer.from(body).toString("latin1")]);
  return forms.flatMap(([hint, form]) => {
    if (form === undefined) return [];
    const changed = Buffer.from(form as string);
    const key = changed.toString("latin1");
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ hint: `the signature holds ${hint}`, to: { body: changed } }];
  });
}

/** As the usual writers of JSON write it. */
function jsonForms(text: string | undefined): readonly (readonly [how: string, form: string])[] {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "");
  } catch {
    return [];
  }
  const compact = JSON.stringify(value);
  const spaced = spacedOut(compact);
  return [
    ["without spaces", compact],
    ["without spaces, with characters beyond ASCII escaped", escaped(compact)],
    ["without spaces, with slashes escaped", slashed(compact)],
    ["without spaces, with slashes and characters beyond ASCII escaped", slashed(escaped(compact))],
    ["with spaces after commas and colons", spaced],
    ["with spaces after commas and colons, with characters beyond ASCII escaped", escaped(spaced)],
    ["indented by 2", JSON.stringify(value, null, 2)],
    ["indented by 4", JSON.stringify(value, null, 4)],
  ];
}

const STRING_OR_SEPARATOR = /"(?:[^"\\]|\\.)*"|[,:]/g;

function spacedOut(json: string): string {
  return json.replace(STRING_OR_SEPARATOR, (found) => (found.length === 1 ? `${found} ` : found));
}

function escaped(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function slashed(json: string): string {
  return json.replaceAll("/", "\\/");
}

function textOf(body: Uint8Array): string | undefined {
  try {
    return utf8.decode(body);
  } catch {
    return undefined;
  }
}

const URL_PARTS = /^(?:(https?):\/\/([^/?#]*))?([^?]*)(\?.*)?$/is;

/**
 * Other addresses that it may have been signed for: over http, at another host, with or without a
 * slash. Each once: as configured but for one part or two, then with the host that the request
 * names.
 */
export function urlChanges({ headers, url }: SignedRequest): readonly Change[] {
  const [, scheme, authority, path = "", query = ""] = URL_PARTS.exec(url) ?? [];
  const named = [headers.get("x-forwarded-host"), headers.get("x-original-host"), headers.get("host")];
  const hosts = [authority, ...named.map((host) => host?.split(",")[0]?.trim())].filter(
    (host) => host !== undefined && host !== "",
  );
  const schemes = scheme?.toLowerCase() === "http" ? ["http", "https"] : ["https", "http"];
  const slashed = path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
  const urls = [...new Set(hosts)].flatMap((host) =>
    [path, slashed].flatMap((each) =>
      schemes.flatMap((protocol) =>
        [...new Set([query, ""])].map((search) => `${protocol}://${host}${each}${search}`),
      ),
    ),
  );
  return [...new Set(urls)]
    .filter((each) => each !== url)
    .map((each) => ({
      hint: `it was signed for ${each.split("?")[0]}: ${
        query !== "" && !each.includes("?")
          ? "without the query, which was added on the way"
          : "that is what public_url must say"
      }`,
      to: { url: each },
    }));
}

const TIMES =
  /(?<![0-9.])([0-9]{10}|[0-9]{13})(?![0-9])|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})/g;
/**
 * From the beginning of a run of letters on: any other start in it would look through the rest
 * again.
 */
const JWT = /(?<![\w-])[\w-]+\.([\w-]+)\.[\w-]+/g;
const TIMES_MAX = 20;
/** A signed form may name its time; it stands within the first kilobytes. */
const FORM_CHARS_MAX = 64 * 1024;

/** Other moments at which it may have held: those that it names itself. */
export function clockChanges({ headers, body, url }: SignedRequest): readonly Change[] {
  const values = [...headers.values()];
  const tokens = values.flatMap((value) =>
    [...value.matchAll(JWT)].map(([, payload = ""]) => Buffer.from(payload, "base64url").toString()),
  );
  const query = url.slice(url.indexOf("?") + 1 || url.length);
  const form = Buffer.from(body.subarray(0, FORM_CHARS_MAX)).toString("latin1");
  const texts = [...values, ...tokens, query, form];
  const times = texts.flatMap((text) => [...text.matchAll(TIMES)].map(([found]) => millisecondsOf(found)));
  return [...new Set(times.filter((time) => !Number.isNaN(time)))].slice(0, TIMES_MAX).map((time) => ({
    hint: `the signature holds at ${new Date(time).toISOString()}: the request is too old or the clocks differ (--at sets the clock)`,
    to: { now: time },
  }));
}

function millisecondsOf(text: string): number {
  if (/^[0-9]{10}$/.test(text)) return Number(text) * 1000;
  return /^[0-9]{13}$/.test(text) ? Number(text) : Date.parse(text);
}
