/**
 * What a message is, and the rules that the native source sets for one. The schema here is the only
 * definition: the types, the compiled check, the 422 answers and the OpenAPI document all come from
 * it.
 */
import { type Static, Type } from "typebox";
import Format from "typebox/format";
import { INSTANT_PATTERN, isInstant } from "./instant.ts";

/**
 * A stored string must survive every engine: PostgreSQL can't keep U+0000, and a lone surrogate is
 * no UTF-8.
 */
const storable = (text: string): boolean => text.isWellFormed() && !text.includes("\0");

/** Anything but what Unicode calls white space, and U+FEFF, which `trim` takes for it. */
const MORE_THAN_SPACE = /[^\p{White_Space}\ufeff]/u;

/** Whether a text holds nothing but white space: no identifier is made of that. */
export function isBlank(text: string): boolean {
  return !MORE_THAN_SPACE.test(text);
}

Format.Set("message-id", (text) => storable(text) && !isBlank(text));
Format.Set("instant", isInstant);
Format.Set("message-text", storable);

/** What a format asks for, as the end of the sentence "the value must be …". */
export const FORMAT_RULES: Readonly<Record<string, string>> = {
  "message-id": "valid Unicode without U+0000, and not only white space",
  "message-text": "valid Unicode without U+0000",
  instant: "a real date and time in UTC, year 0001 or later, such as 2025-01-15T10:00:00Z",
};

const Msisdn = (description: string, example: string) =>
  Type.String({ pattern: "^\\+[0-9]+$", maxLength: 32, description, examples: [example] });

export const NativeMessage = Type.Object(
  {
    message_id: Type.String({
      minLength: 1,
      maxLength: 512,
      format: "message-id",
      description: "The sender's identifier of this message. The first write of an identifier wins, forever.",
      examples: ["m1"],
    }),
    from: Msisdn("The sender's number: `+` and digits.", "+919876543210"),
    to: Msisdn("The recipient's number: `+` and digits.", "+14155550100"),
    ts: Type.String({
      pattern: INSTANT_PATTERN,
      format: "instant",
      description: "When the message was sent, in UTC; up to nine digits of a second.",
      examples: ["2025-01-15T10:00:00Z"],
    }),
    text: Type.Optional(
      Type.Union(
        [Type.String({ maxLength: 4096, format: "message-text", examples: ["Hello"] }), Type.Null()],
        { description: 'The text, at most 4096 code points. Absent and null are the same; `""` stays `""`.' },
      ),
    ),
  },
  { $id: "NewMessage", description: "A message of the native source. Unknown fields are ignored." },
);
export type NativeMessage = Static<typeof NativeMessage>;

/** A message as Postern keeps and returns it. */
export interface Message {
  readonly message_id: string;
  readonly from: string;
  readonly to: string;
  readonly ts: string;
  readonly text: string | null;
}

/** Whether two messages with the same `message_id` say the same. */
export function saysTheSame(one: Message, other: Message): boolean {
  return one.from === other.from && one.to === other.to && one.ts === other.ts && one.text === other.text;
}

/**
 * One row of the log: a message with its place and its time of receipt (ISO 8601, UTC,
 * milliseconds).
 */
export interface LoggedMessage extends Message {
  readonly seq: number;
  readonly created_at: string;
}
