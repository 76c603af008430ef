/** Text with what was searched for marked in it, and nothing in it taken for anything but text. */
import type { ComponentChildren } from "preact";
import { occurrences } from "./occurrences.ts";

export function Marked({ text, searched }: { readonly text: string; readonly searched: string }) {
  const parts: ComponentChildren[] = [];
  let at = 0;
  for (const [from, to] of occurrences(text, searched)) {
    parts.push(text.slice(at, from), <mark key={from}>{text.slice(from, to)}</mark>);
    at = to;
  }
  parts.push(text.slice(at));
  return <>{parts}</>;
}
