/** Paths into JSON documents and forms, as a field map names them: `message.contacts[0].phone`. */
import type { JsonTree } from "../lib/json-tree.ts";
import { SchemeError } from "./schemes/proof.ts";

/** What a path is followed in: the item and the document that it is a part of. */
export interface Scope {
  readonly item: JsonTree;
  readonly document: JsonTree;
}

type Path = (scope: Scope) => JsonTree | undefined;

/**
 * An item of an array, or a name as the parameters of forms have it: `data[phone]`. What other
 * languages have for several items or the last (`[*]`, `[0:2]`, `[-1]`) would find nothing.
 */
const IN_BRACKETS = "\\[([0-9]{1,4}|(?![-0-9*:,]*\\])[^.[\\]\"']+)\\]";

/** The texts that `parsePath` takes, as a pattern for schemas. */
export const PATH = `(\\$\\.)?([^.[\\]]+|${IN_BRACKETS})(\\.[^.[\\]]+|${IN_BRACKETS})*`;

/** No document is nested so deeply. */
const STEPS_MAX = 100;
const STEP = new RegExp(`^(?:([^.[\\]]+)|${IN_BRACKETS})(?:\\.(?=[^.[])|(?=\\[)|$)`);

/**
 * Names apart by dots, `[n]` for an item of an array. From the item on; from the document on after
 * `$.`; `$` is the document. Where a string stands on the way, it is read as JSON. A path with
 * brackets may be the name of a form's parameter. Throws `SchemeError`, about `option`, for a text
 * that is no path.
 */
export function parsePath(text: string, option = "map"): Path {
  const steps = stepsOf(text, option);
  const follow = following(steps);
  if (!text.includes("[")) return follow;
  const parameter = following({ ...steps, steps: [text.replace(/^\$\./, "")] });
  return (scope) => parameter(scope) ?? follow(scope);
}

/** The path of what holds the value that a path leads to. */
export function holderOf(text: string): Path {
  const { fromDocument, steps } = stepsOf(text);
  return following({ fromDocument, steps: steps.slice(0, -1) });
}

function following({ fromDocument, steps }: Steps): Path {
  return ({ item, document }) => {
    let found: JsonTree | undefined = fromDocument ? document : item;
    for (const step of steps) {
      const holder: JsonTree | undefined = found?.inner ?? found;
      found = typeof step === "string" ? holder?.get(step) : holder?.items[step];
    }
    return found?.isNull === true ? undefined : found;
  };
}

/**
 * Puts a value where the path leads, with the objects and arrays on the way; what stands there
 * stays.
 */
export function putAt(text: string, { item, document }: { item: object; document: object }, value: unknown) {
  const { fromDocument, steps } = stepsOf(text);
  let holder = (fromDocument ? document : item) as Record<string | number, unknown>;
  for (const [index, step] of steps.entries()) {
    const next = steps[index + 1];
    holder[step] ??= next === undefined ? value : typeof next === "string" ? emptyObject() : [];
    if (typeof holder[step] !== "object") return;
    holder = holder[step] as Record<string | number, unknown>;
  }
}

/** To which any name may be given. */
export function emptyObject(): object {
  return Object.create(null);
}

interface Steps {
  readonly fromDocument: boolean;
  readonly steps: readonly (string | number)[];
}

function stepsOf(text: string, option = "map"): Steps {
  if (text === "$") return { fromDocument: true, steps: [] };
  const fromDocument = text.startsWith("$.");
  const steps: (string | number)[] = [];
  for (let rest = fromDocument ? text.slice(2) : text; rest !== "" || steps.length === 0; ) {
    const [whole, name, inBrackets = ""] = STEP.exec(rest) ?? [];
    if (whole === undefined)
      throw new SchemeError(`"${text}" is no path such as message.contacts[0].phone`, option);
    steps.push(name ?? (/^[0-9]+$/.test(inBrackets) ? Number(inBrackets) : inBrackets));
    if (steps.length > STEPS_MAX) throw new SchemeError(`a path has more than ${STEPS_MAX} steps`, option);
    rest = rest.slice(whole.length);
  }
  return { fromDocument, steps };
}
