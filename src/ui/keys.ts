/** The keyboard: what each key does where it does something, for the page and its help. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

interface Key {
  /** As `KeyboardEvent.key` has it. */
  readonly keys: readonly string[];
  readonly does: string;
  readonly act: () => void;
  /** Also while somebody types. */
  readonly typing?: true;
}

/** What scrolls is left these while it has the focus. */
const SCROLLS = new Set(["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End", "Enter"]);

export const helpIsOpen = signal(false);
const sets: { current: readonly Key[] }[] = [];

/** What is bound now, for the help. */
export function boundKeys(): readonly Key[] {
  // Those of the page before those of the frame.
  return sets.toReversed().flatMap(({ current }) => current);
}

/** Binds keys as long as the component is there; the latest that is there comes first. */
export function useKeys(keys: readonly Key[]): void {
  const set = useRef(keys);
  set.current = keys;
  useEffect(() => {
    sets.push(set);
    return () => void sets.splice(sets.indexOf(set), 1);
  }, []);
}

window.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  // Its keys are its own, wherever the focus is.
  if (document.querySelector("dialog:modal") !== null) return;
  const target = event.target instanceof HTMLElement ? event.target : undefined;
  const types = target?.matches("input, textarea, select, [contenteditable]") ?? false;
  if (target?.closest("[data-scrolls]") && SCROLLS.has(event.key)) return;
  // A button's own keys are its own.
  if (target?.matches("button, a, summary") && (event.key === "Enter" || event.key === " ")) return;
  for (const { current } of sets.toReversed()) {
    const found = current.find((key) => key.keys.includes(event.key) && (key.typing || !types));
    if (found === undefined) continue;
    event.preventDefault();
    found.act();
    return;
  }
});
