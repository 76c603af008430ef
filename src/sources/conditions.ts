/**
 * What a configuration asks of a value: which text, number or boolean it must be, or which several.
 */
import { Type } from "typebox";

const Value = Type.Union([Type.String(), Type.Number(), Type.Boolean()]);

/** By a place's name or path, what must stand there: one value, or any of a list. */
export const Conditions = (description: string) =>
  Type.Optional(
    Type.Record(Type.String(), Type.Union([Value, Type.Array(Value, { minItems: 1 })]), { description }),
  );

type Accepted = string | number | boolean | readonly (string | number | boolean)[];

/** Any characters, at the start or the end of a text; alone whatever is there. */
const ANY = "*";

/** Whether a value, empty where there is none, is one of those that are accepted. */
export function acceptance(accepted: Accepted): (value: string) => boolean {
  const texts = textsOf(accepted);
  const plain = new Set(texts.filter((text) => !isPattern(text)));
  const patterns = texts.filter(isPattern).map((text): ((value: string) => boolean) => {
    if (text === ANY) return (value) => value !== "";
    const part = text.slice(...(text.startsWith(ANY) ? [1] : [0, -1]));
    return (value) => (text.startsWith(ANY) ? value.endsWith(part) : value.startsWith(part));
  });
  return (value) => plain.has(value) || patterns.some((holds) => holds(value));
}

export function isPattern(text: string): boolean {
  return text.startsWith(ANY) || text.endsWith(ANY);
}

/** Whether it seems to ask for a text in the middle, which no pattern does. */
export function isTwofold(text: string): boolean {
  return text.length > 1 && text.startsWith(ANY) && text.endsWith(ANY);
}

/** As text: JSON's true, the number 1 and the texts of the same letters are equal. */
export function textsOf(accepted: Accepted): readonly string[] {
  return [accepted].flat().map(String);
}
