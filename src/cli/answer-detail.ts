/** What an answer of the service says is wrong. */

/** The `detail` of our own answers in words; of anything else the text itself. */
export function detailOf(text: string): string {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown };
    if (typeof detail === "string") return detail;
    if (!Array.isArray(detail)) return text;
    return detail.map(({ loc, msg }) => `${loc.slice(1).join(".") || loc[0]}: ${msg}`).join("; ");
  } catch {
    return text;
  }
}
