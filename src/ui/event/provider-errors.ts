/**
 * What a provider says went wrong, found in its own form of an event: a code with words beside it,
 * by the names that Meta, Twilio, Vonage and others give them.
 */

interface ProviderError {
  readonly code: string | undefined;
  readonly words: string;
  /** The provider's page about it. */
  readonly href: string | undefined;
}

const CODES = ["code", "ErrorCode", "error_code", "err-code", "error_subcode"];
const WORDS = ["title", "message", "ErrorMessage", "error_message", "reason", "detail", "description"];
const MORE = ["details", "detail", "error_data"];
const DEPTH_MAX = 12;
const ERRORS_MAX = 5;

/** Of a body as it was sent; none for what is no JSON and no form. */
export function providerErrors(body: string): readonly ProviderError[] {
  const found: ProviderError[] = [];
  look(parsed(body), 0, false, found);
  return found.slice(0, ERRORS_MAX);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return /^[\w.-]+=/.test(body) ? Object.fromEntries(new URLSearchParams(body)) : undefined;
  }
}

/** `isError`: what holds it is called an error. */
function look(value: unknown, depth: number, isError: boolean, found: ProviderError[]): void {
  if (typeof value !== "object" || value === null || depth > DEPTH_MAX) return;
  if (Array.isArray(value)) {
    for (const item of value) look(item, depth + 1, isError, found);
    return;
  }
  const fields = value as Readonly<Record<string, unknown>>;
  const named = CODES.filter((name) => isError || name !== "code").find((name) => isGiven(fields[name]));
  const words = WORDS.map((name) => fields[name]).filter(isText);
  if ((isError || named !== undefined) && (named !== undefined || words.length > 0)) {
    const more = MORE.flatMap((name) => textsIn(fields[name]));
    const href = fields["href"] ?? fields["url"];
    found.push({
      code: named === undefined ? undefined : String(fields[named]),
      words: [...new Set([...words, ...more])].join(". "),
      href: typeof href === "string" && /^https:\/\//.test(href) ? href : undefined,
    });
    return;
  }
  for (const [name, member] of Object.entries(fields))
    look(member, depth + 1, /^errors?$/i.test(name), found);
}

function isGiven(value: unknown): boolean {
  return (typeof value === "number" && value !== 0) || (typeof value === "string" && !/^0*$/.test(value));
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function textsIn(value: unknown): string[] {
  if (isText(value)) return [value];
  return typeof value === "object" && value !== null ? Object.values(value).filter(isText) : [];
}
