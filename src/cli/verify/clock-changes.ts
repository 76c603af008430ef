/** Other moments at which a request may have held: those that it names itself. */
import type { SignedRequest } from "../../core/source.ts";
import type { Change } from "./change.ts";

const TIMES =
  /(?<![0-9.])([0-9]{10}|[0-9]{13})(?![0-9])|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})/g;
/** From the beginning of a run of letters on: any other start in it would look through the rest again. */
const JWT = /(?<![\w-])[\w-]+\.([\w-]+)\.[\w-]+/g;
const TIMES_MAX = 20;
/** A signed form may name its time; it stands within the first kilobytes. */
const FORM_CHARS_MAX = 64 * 1024;

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
