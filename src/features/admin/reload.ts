/** `POST /admin/reload`: reads the configuration file anew, for whoever can't send SIGHUP. */
import { Type } from "typebox";
import { DetailAnswer, type FieldError, InvalidAnswer } from "../../core/field-errors.ts";
import type { Mistake } from "../../core/mistake.ts";
import { detail, json } from "../../lib/response.ts";
import type { Route } from "../../lib/route.ts";

/** What became of the file: so much of it is served, or its mistakes keep the old one in place. */
export type Reloaded =
  | { readonly sources: number; readonly destinations: number }
  | { readonly mistakes: readonly Mistake[] };

/** Who asked. */
export type AskedBy = { readonly how: "SIGHUP" } | { readonly how: "POST"; readonly client: string };

/** One at a time; asked meanwhile, the file is read once more afterwards. */
export type Reload = (by: AskedBy) => Promise<Reloaded>;

interface ReloadOptions {
  /** Undefined: the server runs without a file. */
  readonly reload: Reload | undefined;
  /** Whether the token is configured that the route wants; without one it serves nobody. */
  readonly guarded: boolean;
}

export function reloadRoute({ reload, guarded }: ReloadOptions): Route {
  return {
    method: "POST",
    path: "/admin/reload",
    access: "token",
    listener: "read",
    doc: {
      id: "reload",
      tag: "Operate",
      summary: "Read the configuration file anew",
      description:
        "Replaces sources and destinations by those that the file holds now, as SIGHUP does; requests that are under way " +
        "end as they began. With any mistake in the file all of them stay as they are. Settings of the environment aren't " +
        "read again.",
      answers: {
        200: {
          description: "So many sources and destinations of the file are served; this outlasts a restart.",
          schema: Type.Object({
            status: Type.Literal("reloaded"),
            sources: Type.Integer({ minimum: 0, examples: [2] }),
            destinations: Type.Integer({ minimum: 0, examples: [1] }),
          }),
        },
        403: { description: "No `API_TOKEN` is configured.", schema: DetailAnswer },
        409: { description: "The server runs without a configuration file.", schema: DetailAnswer },
        422: {
          description: "Every mistake of the file; `loc` is `config` and `LINE:COLUMN`.",
          schema: InvalidAnswer,
        },
      },
    },
    handle: async ({ client }) => {
      if (!guarded) return detail(403, "set API_TOKEN to use this");
      if (reload === undefined)
        return detail(409, "there is no configuration file: start with --config or POSTERN_CONFIG");
      const reloaded = await reload({ how: "POST", client: client.address });
      return "mistakes" in reloaded
        ? json(422, { detail: reloaded.mistakes.map(asFieldError) })
        : json(200, { status: "reloaded", ...reloaded });
    },
  };
}

function asFieldError({ line, column, message }: Mistake): FieldError {
  return { type: "config_invalid", loc: ["config", `${line}:${column}`], msg: message, input: null };
}
