/** What all routes of destinations have in common. */
import { type TObject, Type } from "typebox";
import { DetailAnswer, InvalidAnswer } from "../../core/field-errors.ts";
import { detail } from "../../lib/response.ts";
import type { AnswerDoc, Route } from "../../lib/route.ts";
import type { Following } from "../following.ts";
import type { Delivering } from "./delivering.ts";

export interface DestinationRoutesOptions {
  readonly following: Following;
  readonly delivering: Delivering;
}

export const INVALID: AnswerDoc = { description: "Something can't be read.", schema: InvalidAnswer };
export const UNKNOWN: AnswerDoc = {
  description: "There is no destination of this name.",
  schema: DetailAnswer,
};
export const BUSY: AnswerDoc = { description: "The store can't say or keep it now.", schema: DetailAnswer };

export const DestinationPath = Type.Object({
  name: Type.String({ description: "The destination's name in the configuration file.", examples: ["app"] }),
});

interface DestinationDoc extends Omit<Route["doc"], "path" | "tag"> {
  /** Where it isn't the destination's name alone. */
  readonly path?: TObject;
}

export function destinationRoute(
  method: Route["method"],
  path: string,
  doc: DestinationDoc,
  handle: Route["handle"],
): Route {
  return {
    ...{ method, path, access: "token", listener: "read", handle },
    ...(method !== "GET" && { changes: true }),
    doc: { tag: "Deliver", ...(path.includes("{name}") && { path: DestinationPath }), ...doc },
  };
}

export function unknownDestination(): Response {
  return detail(404, "there is no destination of this name");
}
