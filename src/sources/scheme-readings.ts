/**
 * What a generic scheme may say instead, as a request suggests it: where its signature or token
 * stands and how it is written, and what is signed. None of it is known to hold.
 */
import type { SignedRequest } from "../core/source.ts";
import { bytesOfBase64 } from "../lib/base64.ts";
import { BeyondBounds } from "../lib/bounds.ts";
import type { Form } from "../lib/form.ts";
import type { JsonTree } from "../lib/json-tree.ts";
import { RequestParts } from "./places.ts";
import type { GenericScheme } from "./schemes/generic.ts";

/** What is `undefined` isn't said any more. */
export type SchemeChange = { readonly [Name in keyof GenericScheme]?: GenericScheme[Name] | undefined };

/** A sentence about what is seen when it holds, and what the scheme says then. */
export type Reading = readonly [hint: string, change: SchemeChange];

/** A text of a request and its place, as schemes say it. */
interface PlacedText {
  readonly kind: "header" | "query" | "form" | "json";
  readonly name: string;
  readonly value: string;
}

const TEXTS_MAX = 200;
const VALUE_CHARS_MAX = 8192;
const JSON_DEPTH_MAX = 3;
const PLAIN_NAME = /^[\w-]+$/;

function textsIn(request: SignedRequest): readonly PlacedText[] {
  const parts = new RequestParts(request);
  const bounded = (read: () => readonly PlacedText[]) => {
    try {
      return read()
        .filter(({ value }) => value !== "" && value.length <= VALUE_CHARS_MAX)
        .slice(0, TEXTS_MAX);
    } catch (error) {
      if (error instanceof BeyondBounds) return [];
      throw error;
    }
  };
  return [
    ...bounded(() =>
      [...parts.headers].map(([name, value]): PlacedText => ({ kind: "header", name, value })),
    ),
    ...bounded(() => fieldsIn("query", parts.query)),
    ...bounded(() => (parts.form === undefined ? [] : fieldsIn("form", parts.form))),
    ...bounded(() => (parts.json === undefined ? [] : [...membersIn(parts.json, "", 1)])),
  ];
}

function fieldsIn(kind: "query" | "form", form: Form): readonly PlacedText[] {
  return Array.from({ length: Math.min(form.size, TEXTS_MAX) }, (_, index) => ({
    ...{ kind, name: form.name(index).toString(), value: form.value(index).toString() },
  })).filter(({ name }) => PLAIN_NAME.test(name));
}

function* membersIn(tree: JsonTree, before: string, depth: number): Generator<PlacedText> {
  for (const [name, value] of tree.members()) {
    if (!PLAIN_NAME.test(name)) continue;
    const { scalar } = value;
    if (scalar !== undefined) yield { kind: "json", name: before + name, value: scalar };
    else if (depth < JSON_DEPTH_MAX) yield* membersIn(value, `${before}${name}.`, depth + 1);
  }
}

const WORDS = {
  header: "header",
  query: "query parameter",
  form: "form field",
  json: "JSON member",
} as const;

/** By what a scheme says of it: `query: token`. */
function taken({ kind, name }: PlacedText): string {
  return `when it is taken from the ${WORDS[kind]} ${name} (${kind})`;
}

function isAt({ kind, name }: PlacedText, scheme: GenericScheme): boolean {
  const names = [scheme[kind] ?? []].flat();
  return names.some((own) => (kind === "header" ? own.toLowerCase() === name : own === name));
}

/** Each text of a request as the place of the token, by each algorithm that is one. */
export function tokenReadings(scheme: GenericScheme, request: SignedRequest): readonly Reading[] {
  const own = scheme.algorithm ?? "token";
  const algorithms = [own, ...["token", "bearer", "basic"].filter((name) => name !== own)];
  return algorithms.flatMap((algorithm) =>
    textsIn(request).flatMap((text): readonly Reading[] => {
      const here = isAt(text, scheme);
      if (here && algorithm === own) return [];
      const how = [here ? "" : taken(text), algorithm === own ? "" : `by algorithm: ${algorithm}`];
      const hint = `the token holds ${how.filter((each) => each !== "").join(", ")}`;
      return [[hint, { algorithm, each: undefined, [text.kind]: text.name }]];
    }),
  );
}

interface Wording {
  readonly how: string;
  readonly change: SchemeChange;
}

/** What could be signatures, in each place and wording that isn't the scheme's own. */
export function placeReadings(scheme: GenericScheme, request: SignedRequest): readonly Reading[] {
  if (scheme.each !== undefined) return [];
  return textsIn(request).flatMap((text) =>
    wordingsOf(text.value).flatMap(({ how, change }): readonly Reading[] => {
      const here = isAt(text, scheme);
      const where = here ? "when it is written" : `${taken(text)}, written`;
      return [[`the signature holds ${where} ${how}`, { ...change, [text.kind]: text.name }]];
    }),
  );
}

const PREFIXED = /^([A-Za-z][\w-]{0,19}[=:,] ?|[A-Za-z][\w-]{0,19} )(.+)$/;
const NOT_SAID = { prefix: undefined, version: undefined, version_separator: undefined } as const;

/** A signature as it is, behind a prefix, and in a list of several with versions. */
function wordingsOf(value: string): readonly Wording[] {
  const [, prefix = "", behind = ""] = PREFIXED.exec(value) ?? [];
  const alone = [["", value] as const, [prefix, behind] as const].flatMap(([before, text]): Wording[] => {
    const encoding = encodingOf(text);
    if (encoding === undefined) return [];
    const how = `in ${encoding} ${before === "" ? "without a prefix" : `after ${before.trim()}`}`;
    const change = { ...NOT_SAID, encoding, ...(before !== "" && { prefix: before }) };
    return [{ how, change }];
  });
  const listed = [",", " ", ";"].flatMap((separator) => {
    const items = value.split(separator).slice(0, 8);
    return items.length < 2 ? [] : items.flatMap((item) => versionsOf(item.trim(), separator));
  });
  return [...alone, ...listed];
}

function versionsOf(item: string, separator: string): readonly Wording[] {
  const [, version, between, text = ""] = /^([A-Za-z][\w-]{0,19})([=,:])(.+)$/.exec(item) ?? [];
  const encoding = encodingOf(text);
  if (encoding === undefined) return [];
  const how = `in ${encoding}, one of several apart by "${separator}", as ${version}${between}… (version)`;
  return [{ how, change: { prefix: undefined, encoding, separator, version, version_separator: between } }];
}

/** Of hashes and of keys' signatures. */
const SIGNATURE_BYTES = { min: 16, max: 512 } as const;

function encodingOf(text: string): "hex" | "base64" | "base64url" | undefined {
  const fits = (bytes: number) => bytes >= SIGNATURE_BYTES.min && bytes <= SIGNATURE_BYTES.max;
  if (/^(?:[0-9a-f]{2})+$/i.test(text)) return fits(text.length / 2) ? "hex" : undefined;
  const plain = text.replaceAll("-", "+").replaceAll("_", "/");
  const bytes = bytesOfBase64(plain);
  if (bytes === undefined || !fits(bytes.length)) return undefined;
  return plain === text ? "base64" : "base64url";
}

const BODY_FORMS = [
  ...["{body}", "{sha256(body)}", "{sha256(body) bytes}", "{url}{body}", "{body}{url}", "{url}.{body}"],
  ...["{method}{url}{body}", "{url}{parameters}", "{parameters}", "{url}"],
];
const TIMED_FORMS = [
  ...["{timestamp}.{body}", "{timestamp}{body}", "{timestamp}:{body}", "{body}{timestamp}"],
  ...["{body}.{timestamp}", "v0:{timestamp}:{body}", "{timestamp}.{url}.{body}", "{timestamp}{url}{body}"],
  ...["{method}{url}{body}{timestamp}", "{timestamp}.{sha256(body)}", "{timestamp}"],
];
const NAMED_FORMS = [
  ...["{id}.{timestamp}.{body}", "{id}{timestamp}{body}", "{timestamp}.{id}.{body}"],
  ...["{body}.{id}.{timestamp}", "{timestamp}{id}", "{id}{timestamp}", "{id}|{timestamp}|{body}"],
];
const HASHED_FORMS = ["{secret}{body}", "{body}{secret}", "{secret}{method}{url}{body}"];

/** What other senders sign, with the times and identifiers that the request names. */
export function templateReadings(scheme: GenericScheme, request: SignedRequest): readonly Reading[] {
  const texts = textsIn(request);
  const times = [...ownTime(scheme), ...texts.flatMap((text) => timesOf(text, scheme))].slice(0, 4);
  const ids = [...ownId(scheme), ...texts.filter(isId).map(idOf)].slice(0, 4);
  const reading = (signed: string, change: SchemeChange, parts: readonly string[] = []): Reading => {
    const said = [...parts, ...(/body|parameters/.test(signed) ? [] : ["covers_body: false"])];
    const more = said.length === 0 ? "" : `, ${said.join(", ")}`;
    const hint = `the signature holds when what is signed is "${signed}" (signed${more})`;
    return [hint, { ...UNTIMED, ...change, signed }];
  };
  return [
    ...BODY_FORMS.map((signed) => reading(signed, {})),
    ...times.flatMap((time) => TIMED_FORMS.map((signed) => reading(signed, time.change, time.said))),
    ...times.flatMap((time) =>
      ids.flatMap((id) =>
        NAMED_FORMS.map((signed) =>
          reading(signed, { ...time.change, ...id.change }, [...id.said, ...time.said]),
        ),
      ),
    ),
    ...(/^(hmac-sha256|sha256)$/.test(scheme.algorithm ?? "")
      ? HASHED_FORMS.map((signed) => reading(signed, { algorithm: "sha256" }, ["algorithm: sha256"]))
      : []),
  ];
}

interface Source {
  readonly said: readonly string[];
  readonly change: SchemeChange;
}

/** Beside what isn't signed no timestamp may be said. */
const UNTIMED = {
  ...{ timestamp: undefined, timestamp_header: undefined, timestamp_part: undefined },
  ...{ timestamp_format: undefined, id: undefined, id_header: undefined },
  ...{ nonce: undefined, nonce_header: undefined },
} as const;

function ownTime(scheme: GenericScheme): readonly Source[] {
  const { timestamp, timestamp_header, timestamp_part, timestamp_format } = scheme;
  const isSaid = [timestamp, timestamp_header, timestamp_part].some((each) => each !== undefined);
  return isSaid
    ? [{ said: [], change: { timestamp, timestamp_header, timestamp_part, timestamp_format } }]
    : [];
}

const FORMATS = [
  [/^[1-9][0-9]{9}$/, "unix"],
  [/^[1-9][0-9]{12}$/, "ms"],
  [/^\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})$/, "rfc3339"],
] as const;
const TIME_PART = /(?:^|[,; ])(t|ts|timestamp)=([^,; ]+)/;

function timesOf({ kind, name, value }: PlacedText, scheme: GenericScheme): readonly Source[] {
  const format = (text: string) => FORMATS.find(([pattern]) => pattern.test(text))?.[1];
  const whole = format(value);
  if (whole !== undefined) {
    const place = `${kind} ${name}`;
    return [
      {
        said: [`timestamp: ${place}`, ...(whole === "unix" ? [] : [`timestamp_format: ${whole}`])],
        change: { timestamp: place, timestamp_format: whole },
      },
    ];
  }
  const [, part, time = ""] = TIME_PART.exec(value) ?? [];
  const timestamp_format = format(time);
  if (part === undefined || timestamp_format === undefined) return [];
  const separator = scheme.separator ?? ",";
  return [
    {
      said: [`timestamp_part: ${part}`],
      change: {
        timestamp_part: part,
        timestamp_format,
        ...(scheme.timestamp_part !== part && { separator }),
      },
    },
  ];
}

function ownId({ id, id_header, nonce, nonce_header }: GenericScheme): readonly Source[] {
  const change =
    id !== undefined || id_header !== undefined ? { id, id_header } : { id: nonce, id_header: nonce_header };
  return Object.values(change).every((each) => each === undefined) ? [] : [{ said: [], change }];
}

/** In the name of what is there once. */
const ID_NAME = /(?:^|[-_.])(?:id|nonce|token|delivery)$/i;
const ID_CHARS_MAX = 200;

function isId({ name, value }: PlacedText): boolean {
  return ID_NAME.test(name) && value.length <= ID_CHARS_MAX;
}

function idOf({ kind, name }: PlacedText): Source {
  return { said: [`id: ${kind} ${name}`], change: { id: `${kind} ${name}` } };
}
