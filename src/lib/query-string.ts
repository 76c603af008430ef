/** Query strings read strictly: a broken escape is a mistake to report, never a guess. */

/** What could not be read: the parameter's name as far as it is known, and the reason. */
interface QueryStringError {
  readonly parameter: string | undefined;
  readonly raw: string;
  readonly reason: string;
}

/**
 * Reads `a=1&b=2` (without `?`) as forms do: `+` is a space, `%XX` is a byte of UTF-8, the last of
 * repeated parameters counts. U+0000 is refused because no store can look for it.
 */
export function parseQueryString(text: string): ReadonlyMap<string, string> | QueryStringError {
  const parameters = new Map<string, string>();
  if (text === "") return parameters;
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const rawName = equals < 0 ? pair : pair.slice(0, equals);
    const rawValue = equals < 0 ? "" : pair.slice(equals + 1);
    const name = decode(rawName);
    const value = decode(rawValue);
    if (name === undefined || value === undefined) {
      return { parameter: name, raw: pair, reason: "percent-encoding of UTF-8 is broken" };
    }
    if (name.includes("\0") || value.includes("\0")) {
      return { parameter: name, raw: pair, reason: "U+0000 is not allowed" };
    }
    parameters.set(name, value);
  }
  return parameters;
}

function decode(raw: string): string | undefined {
  const spaced = raw.includes("+") ? raw.replaceAll("+", " ") : raw;
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return undefined;
  }
}
