/** Other addresses that a request may have been signed for: over http, at another host, with or without a slash. */
import type { SignedRequest } from "../../core/source.ts";
import type { Change } from "./change.ts";

const URL_PARTS = /^(?:(https?):\/\/([^/?#]*))?([^?]*)(\?.*)?$/is;

/** Each other URL once: as configured but for one part or two, then with the host that the request names. */
export function urlChanges({ headers, url }: SignedRequest): readonly Change[] {
  const [, scheme, authority, path = "", query = ""] = URL_PARTS.exec(url) ?? [];
  const named = [headers.get("x-forwarded-host"), headers.get("x-original-host"), headers.get("host")];
  const hosts = [authority, ...named.map((host) => host?.split(",")[0]?.trim())].filter(
    (host) => host !== undefined && host !== "",
  );
  const schemes = scheme?.toLowerCase() === "http" ? ["http", "https"] : ["https", "http"];
  const slashed = path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
  const urls = [...new Set(hosts)].flatMap((host) =>
    [path, slashed].flatMap((each) =>
      schemes.flatMap((protocol) =>
        [...new Set([query, ""])].map((search) => `${protocol}://${host}${each}${search}`),
      ),
    ),
  );
  return [...new Set(urls)]
    .filter((each) => each !== url)
    .map((each) => ({
      hint: `it was signed for ${each.split("?")[0]}: ${
        query !== "" && !each.includes("?")
          ? "without the query, which was added on the way"
          : "that is what public_url must say"
      }`,
      to: { url: each },
    }));
}
