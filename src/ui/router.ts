/**
 * What is shown, as the address says it: `#/messages?source=wa&q=hello`. It is behind the `#`, so
 * it needs nothing of the server, and sending the address to somebody shows the same view.
 */
import { signal } from "@preact/signals";

interface Route {
  /** The page's id; empty for the first one. */
  readonly page: string;
  readonly parameters: URLSearchParams;
}

export const route = signal<Route>(parse());
window.addEventListener("hashchange", () => {
  route.value = parse();
});

function parse(): Route {
  const [, page = "", query = ""] = /^#\/([\w-]*)(?:\?(.*))?$/.exec(window.location.hash) ?? [];
  return { page, parameters: new URLSearchParams(query) };
}

/** The address of a view; parameters that are empty or undefined are left out. */
export function addressOf(
  page: string,
  parameters: Readonly<Record<string, string | undefined>> = {},
): string {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => !!pair[1]);
  const search = new URLSearchParams(given);
  return `#/${page}${search.size === 0 ? "" : `?${search}`}`;
}

/** Changes parameters of what is shown; with `replace` without a step in the history. */
export function changeParameters(
  changes: Readonly<Record<string, string | undefined>>,
  { replace = false }: { readonly replace?: boolean } = {},
): void {
  const { page, parameters } = route.value;
  const address = addressOf(page, { ...Object.fromEntries(parameters), ...changes });
  if (address === window.location.hash) return;
  if (replace) window.history.replaceState(null, "", address);
  else window.history.pushState(null, "", address);
  route.value = parse();
}
