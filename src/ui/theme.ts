/** Light or dark: the system's by default, or what was chosen on this machine. */
import { signal } from "@preact/signals";
import { keep, kept } from "./kept.ts";

type Theme = "system" | "light" | "dark";

export const theme = signal<Theme>(known(kept("theme")));

export function nextTheme(): void {
  const order: readonly Theme[] = ["system", "light", "dark"];
  const next = order[(order.indexOf(theme.value) + 1) % order.length] ?? "system";
  theme.value = next;
  if (next === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = next;
  keep("theme", next);
}

function known(text: string | undefined): Theme {
  return text === "light" || text === "dark" ? text : "system";
}
