/** JSON as a tree that folds; what is folded isn't in the document, so a body may be large. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { Marked } from "../highlight.tsx";
import { Icon } from "../icon.tsx";
import { occurrences } from "../occurrences.ts";

const OPEN_DEPTH = 3;
const MEMBERS_AT_ONCE = 100;

export type Json = string | boolean | null | RawNumber | readonly Json[] | { readonly [name: string]: Json };

/** A number as it was written: JavaScript would round a long one. */
class RawNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Undefined for what is no JSON. */
export function parseJson(text: string): { readonly value: Json } | undefined {
  const keep = (_name: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === "number" ? new RawNumber(context?.source ?? String(value)) : value;
  try {
    return { value: JSON.parse(text, keep) as Json };
  } catch {
    return undefined;
  }
}

export function JsonTree({ value, searched }: { readonly value: Json; readonly searched: string }) {
  return (
    <div class="json">
      <Node value={value} depth={0} searched={searched} />
    </div>
  );
}

interface NodeProps {
  readonly name?: string;
  readonly value: Json;
  readonly depth: number;
  readonly searched: string;
}

function Node({ name, value, depth, searched }: NodeProps) {
  const turned = useSignal<boolean | undefined>(undefined);
  const shown = useSignal(MEMBERS_AT_ONCE);
  const label =
    name === undefined ? null : (
      <span class="json-name">
        <Marked text={name} searched={searched} />:{" "}
      </span>
    );
  const members = membersOf(value);
  if (members === undefined)
    return (
      <div class="json-leaf">
        {label}
        <Leaf value={value} searched={searched} />
      </div>
    );
  const isList = Array.isArray(value);
  const isOpen = searched === "" ? (turned.value ?? depth < OPEN_DEPTH) : holds(value, searched);
  const summary = `${isList ? "[" : "{"}${members.length === 0 ? "" : isOpen ? "" : ` ${members.length} `}${isOpen && members.length > 0 ? "" : isList ? "]" : "}"}`;
  if (members.length === 0)
    return (
      <div class="json-leaf">
        {label}
        {summary}
      </div>
    );
  return (
    <div class="json-node">
      <button
        type="button"
        class="json-fold"
        aria-expanded={isOpen}
        onClick={() => {
          turned.value = !isOpen;
        }}
      >
        <Icon name="chevron" />
        {label}
        <span class="quiet">{summary}</span>
      </button>
      {isOpen && (
        <div class="json-members">
          {members.slice(0, shown.value).map(([key, member]) => (
            <Node
              key={key}
              {...(isList ? {} : { name: key })}
              value={member}
              depth={depth + 1}
              searched={searched}
            />
          ))}
          {members.length > shown.value && (
            <button
              type="button"
              class="link"
              onClick={() => {
                shown.value += MEMBERS_AT_ONCE;
              }}
            >
              {members.length - shown.value} more
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function Leaf({ value, searched }: { readonly value: Json; readonly searched: string }): ComponentChildren {
  if (typeof value === "string")
    return (
      <span class="json-string" dir="auto">
        "<Marked text={value} searched={searched} />"
      </span>
    );
  return (
    <span class="json-value">
      <Marked text={value instanceof RawNumber ? value.text : String(value)} searched={searched} />
    </span>
  );
}

function membersOf(value: Json): readonly (readonly [string, Json])[] | undefined {
  return typeof value === "object" && value !== null && !(value instanceof RawNumber)
    ? Object.entries(value)
    : undefined;
}

/** Whether a name or a value in it, however deep, has what was searched for. */
function holds(value: Json, searched: string): boolean {
  const members = membersOf(value);
  if (members === undefined) {
    const text = value instanceof RawNumber ? value.text : String(value);
    return occurrences(text, searched).length > 0;
  }
  return members.some(
    ([name, member]) =>
      (!Array.isArray(value) && occurrences(name, searched).length > 0) || holds(member, searched),
  );
}
