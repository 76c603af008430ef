/** Where a source takes requests. */
import type { Schemas } from "../api.ts";

/** As this page is reached; undefined where the source is on another port (`READ_PORT`). */
export function addressHere({ path, on_this_listener: isHere }: Schemas["Source"]): string | undefined {
  return isHere ? `${new URL("../", document.baseURI).href.replace(/\/$/, "")}${path}` : undefined;
}
