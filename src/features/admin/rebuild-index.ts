/**
 * `POST /admin/rebuild-index`: makes everything that is derived from the log anew, while reads go
 * on.
 */
import { Type } from "typebox";
import { describe } from "../../core/errors.ts";
import { DetailAnswer } from "../../core/field-errors.ts";
import type { Store } from "../../core/store.ts";
import { detail, json } from "../../lib/response.ts";
import type { Route } from "../../lib/route.ts";
import type { Log } from "../../observe/log.ts";

interface RebuildOptions {
  readonly store: Store;
  readonly log: Log;
  /** Whether the token is configured that the route wants; without one it serves nobody. */
  readonly guarded: boolean;
}

export function rebuildIndexRoute({ store, log, guarded }: RebuildOptions): Route {
  let underway = false;

  function begin(): void {
    if (underway) return;
    underway = true;
    log.info("the index is being made anew");
    store
      .rebuildIndex()
      .then(
        () => log.info("the index was made anew"),
        (error: unknown) => log.error("the index was not made anew", { reason: describe(error) }),
      )
      .finally(() => {
        underway = false;
      });
  }

  return {
    method: "POST",
    path: "/admin/rebuild-index",
    access: "token",
    listener: "read",
    doc: {
      id: "rebuildIndex",
      tag: "Operate",
      summary: "Make the index anew",
      description:
        "Derives pages, counts and search anew from the stored messages, beside the index in use, which serves until " +
        "the new one takes its place. One at a time: while one is under way, asking again changes nothing.",
      answers: {
        202: { description: "It has begun.", schema: Type.Object({ status: Type.Literal("rebuilding") }) },
        403: { description: "No `API_TOKEN` is configured.", schema: DetailAnswer },
      },
    },
    handle: ({ client }) => {
      if (!guarded) return detail(403, "set API_TOKEN to use this");
      log.info("rebuild asked for", { how: "POST", client: client.address });
      begin();
      return json(202, { status: "rebuilding" });
    },
  };
}
