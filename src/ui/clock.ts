/** The browser's clock and timers, read in this file alone. */
import { signal } from "@preact/signals";

/** Milliseconds since 1970. */
export function now(): number {
  return Date.now();
}

/** Now, renewed every ten seconds: what shows how long ago something was follows it. */
export const tick = signal(now());
setInterval(() => {
  if (!document.hidden) tick.value = now();
}, 10_000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) tick.value = now();
});

/**
 * Calls the task every so many milliseconds while the page is looked at, and when somebody comes
 * back to it.
 */
export function whileVisible(ms: number, task: (isBack: boolean) => void): () => void {
  const seen = (back?: Event) => {
    if (!document.hidden) task(back !== undefined);
  };
  const timer = setInterval(() => seen(), ms);
  document.addEventListener("visibilitychange", seen);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", seen);
  };
}

/** Calls `task` once nobody has called for so many milliseconds. */
export function debounced<Args extends readonly unknown[]>(
  ms: number,
  task: (...args: Args) => void,
): ((...args: Args) => void) & { readonly cancel: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const call = (...args: Args) => {
    clearTimeout(timer);
    timer = setTimeout(() => task(...args), ms);
  };
  return Object.assign(call, { cancel: () => clearTimeout(timer) });
}
