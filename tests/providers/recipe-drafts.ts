/** How the requests of `recipe-cases.ts` are written and signed. */
import { hmac } from "./drafts.ts";

export interface RecipeSent {
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
}

export interface RecipeCase {
  /** The recipe's heading. */
  readonly recipe: string;
  /** Which of its configurations, from 0. */
  readonly example?: number;
  readonly secret: string;
  readonly now?: string;
  readonly sent: RecipeSent;
  readonly forged: Partial<RecipeSent>;
  /** What is stored: a message's or an event's identifier, and its type. */
  readonly key?: string;
  readonly type?: string;
  readonly message?: true;
}

export const JSON_ = { "Content-Type": "application/json" };
export const FORM = { "Content-Type": "application/x-www-form-urlencoded" };
export const SECRET = "recipe secret of the lighthouse";

type Rest = Pick<RecipeCase, "key" | "type" | "message" | "example" | "now">;

/** Signed as `headers` says of the body; a body with a space more must not pass. */
export function signed(
  recipe: string,
  body: string,
  headers: (body: string) => Readonly<Record<string, string>>,
  { secret = SECRET, query, ...rest }: Rest & { secret?: string; query?: string } = {},
): RecipeCase {
  const sent = { body, headers: { ...JSON_, ...headers(body) }, ...(query !== undefined && { query }) };
  return { recipe, secret, sent, forged: { body: `${body} ` }, ...rest };
}

export const hex =
  (header: string, prefix = "", algorithm: "sha1" | "sha256" | "sha512" = "sha256") =>
  (body: string) => ({ [header]: `${prefix}${hmac(SECRET, body, algorithm).digest("hex")}` });
export const base64 =
  (header: string, prefix = "") =>
  (body: string) => ({ [header]: `${prefix}${hmac(SECRET, body).digest("base64")}` });

/** Nothing is signed: another token must not pass. */
export function token(
  recipe: string,
  body: string,
  sent: (token: string) => Partial<RecipeSent>,
  rest: Rest = {},
): RecipeCase {
  const of = (word: string) => {
    const { headers, ...others } = sent(word);
    return { body, ...others, headers: { ...JSON_, ...headers } };
  };
  return { recipe, secret: SECRET, sent: of(SECRET), forged: of(`${SECRET}!`), ...rest };
}

export function basic(recipe: string, body: string, rest: Rest = {}): RecipeCase {
  const credentials = (text: string) => ({
    headers: { ...JSON_, Authorization: `Basic ${Buffer.from(text).toString("base64")}` },
  });
  const secret = "lighthouse:keeper";
  const sent = { body, ...credentials(secret) };
  return { recipe, secret, sent, forged: credentials(`${secret}s`), ...rest };
}

export const bearer = (word: string) => ({ headers: { Authorization: `Bearer ${word}` } });
export const inQuery = (word: string) => ({ query: `token=${encodeURIComponent(word)}` });
export const inBody = (body: object) => (word: string) => ({
  body: JSON.stringify({ ...body, token: word }),
});
