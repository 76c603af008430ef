/** The page behind an answer, found as a client of RFC 8288 finds it. */

const NEXT = /^<([^>]*)>; rel="next"$/;

/** Its path and query; undefined behind the last page. Throws for a `Link` of another form. */
export function nextPage(answer: Response): string | undefined {
  const link = answer.headers.get("Link");
  if (link === null) return undefined;
  const reference = NEXT.exec(link)?.[1];
  if (reference === undefined) throw new Error(`Link: ${link}`);
  const { pathname, search } = new URL(reference, answer.url);
  return `${pathname}${search}`;
}
