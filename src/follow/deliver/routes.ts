/** `/destinations…`: whom the service hands records on to, and what could not be. */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { Failure, FailureFilter } from "../../core/deliveries.ts";
import { DetailAnswer, fieldError } from "../../core/field-errors.ts";
import {
  addressOf,
  type FilterParameter,
  filterSchemas,
  PAGE_PARAMETERS,
  pageReader,
  readFilters,
} from "../../core/page-parameters.ts";
import { parsePosition } from "../../core/position.ts";
import type { ByFilter } from "../../core/store.ts";
import { detail, json } from "../../lib/response.ts";
import type { Exchange, Route } from "../../lib/route.ts";
import { nullable } from "../nullable.ts";
import { bodyOf } from "../request-body.ts";
import {
  BUSY,
  type DestinationRoutesOptions,
  INVALID,
  destinationRoute as route,
  UNKNOWN,
  unknownDestination as unknown,
} from "./destination-route.ts";
import { replayRoutes } from "./replay-routes.ts";
import { DestinationAnswer, shownDestination } from "./shown-destination.ts";

const PAUSED_BY_HAND = "paused by an operator";
const POSITIONS_MAX = 1000;

const FILTERS: ByFilter<Omit<FailureFilter, "positions">, FilterParameter> = {
  state: {
    name: "state",
    schema: Type.Optional(
      Type.Enum(["waiting", "dead"], { description: "Those that are tried again, or those that aren't." }),
    ),
  },
  cause: {
    name: "cause",
    schema: Type.Optional(
      Type.String({ description: "Why the last attempt failed.", examples: ["timeout"] }),
    ),
  },
  from: {
    name: "from",
    schema: Type.Optional(
      Type.String({ description: "Exact sender, as for `/messages`.", examples: ["+919876543210"] }),
    ),
    read: addressOf,
  },
};
const FailureParameters = Type.Object({ ...PAGE_PARAMETERS, ...filterSchemas(FILTERS) });
const readFailureParameters = pageReader(FailureParameters);

const FailureAnswer = Type.Object(
  {
    position: Type.String(),
    kind: Type.String(),
    message_id: nullable(Type.String()),
    state: Type.Enum(["waiting", "dead"]),
    attempts: Type.Integer({ description: "Those that count." }),
    last_status: nullable(Type.Integer(), "Of the last answer; null where there was none."),
    cause: nullable(Type.String(), "Why the last attempt failed; null before the first."),
    excerpt: nullable(Type.String(), "The first of what was answered, at most 1 KiB."),
    first_at: nullable(Type.String()),
    last_at: nullable(Type.String()),
    next_at: nullable(Type.String(), "When it is due; null for dead ones, and behind another of its sender."),
    replay: nullable(Type.String(), "The replay that it failed in; null where it was no replay."),
  },
  {
    $id: "Failure",
    examples: [
      {
        position: "5f0c1d9a03bb71c2.1204",
        kind: "message",
        message_id: "wa:wamid.A1",
        state: "waiting",
        attempts: 3,
        last_status: 500,
        cause: "status",
        excerpt: "no such hook",
        first_at: "2025-11-28T10:00:01.204Z",
        last_at: "2025-11-28T10:05:31.377Z",
        next_at: "2025-11-28T10:35:31.377Z",
        replay: null,
      },
    ],
  },
);
const FailurePage = Type.Object(
  {
    data: Type.Array(FailureAnswer),
    total: Type.Integer({ examples: [1] }),
    limit: Type.Integer({ examples: [50] }),
    offset: Type.Integer({ examples: [0] }),
  },
  { $id: "FailurePage" },
);
const DestinationList = Type.Object({ data: Type.Array(DestinationAnswer) }, { $id: "DestinationList" });

const SelectionBody = Type.Object(
  {
    positions: Type.Optional(
      Type.Array(Type.String({ examples: ["5f0c1d9a03bb71c2.1204"] }), {
        minItems: 1,
        maxItems: POSITIONS_MAX,
        description: "These records; or those that the filters let through.",
      }),
    ),
    state: Type.Optional(Type.Enum(["waiting", "dead"])),
    cause: Type.Optional(Type.String({ examples: ["timeout"] })),
    from: Type.Optional(Type.String({ examples: ["+919876543210"] })),
  },
  { additionalProperties: false, examples: [{ state: "dead", cause: "timeout" }] },
);
const selections = Compile(SelectionBody);
const CountAnswer = Type.Object({
  records: Type.Integer({ description: "How many it was done to.", examples: [3] }),
});

export function destinationRoutes(options: DestinationRoutesOptions): readonly Route[] {
  const { following, delivering } = options;
  const deliveries = () => following.store.deliveries;

  async function shown(name: string): Promise<Response> {
    const destination = await deliveries().find(name);
    if (destination === undefined) return unknown();
    return json(200, await shownDestination(following, delivering, destination));
  }

  const changing = (id: string, summary: string, description: string) => ({
    ...{ id, summary, description },
    answers: {
      200: { description: "The destination as it is now.", schema: DestinationAnswer },
      404: UNKNOWN,
      503: BUSY,
    },
  });

  return [
    route(
      "GET",
      "/destinations",
      {
        id: "listDestinations",
        summary: "List destinations",
        description:
          "Those of the configuration file, and those whose state is kept although they were taken out.",
        answers: { 200: { description: "All, by name.", schema: DestinationList }, 503: BUSY },
      },
      async () => {
        const data = [];
        for (const destination of await deliveries().list())
          data.push(await shownDestination(following, delivering, destination));
        return json(200, { data });
      },
    ),
    route(
      "GET",
      "/destinations/{name}",
      {
        id: "getDestination",
        summary: "Show a destination",
        description: "Whether it is served, how far it is, and what waits.",
        answers: { 200: { description: "It.", schema: DestinationAnswer }, 404: UNKNOWN, 503: BUSY },
      },
      ({ parameter }) => shown(parameter),
    ),
    route(
      "POST",
      "/destinations/{name}/pause",
      changing(
        "pauseDestination",
        "Pause a destination",
        "Nothing is sent until `resume`, also after a restart.",
      ),
      async ({ parameter }) => {
        const since = new Date(following.clock.now()).toISOString();
        await deliveries().pause(parameter, { reason: PAUSED_BY_HAND, since });
        await delivering.look(parameter);
        return shown(parameter);
      },
    ),
    route(
      "POST",
      "/destinations/{name}/resume",
      changing("resumeDestination", "Resume a destination", "It goes on where it was."),
      async ({ parameter }) => {
        await deliveries().pause(parameter, null);
        await delivering.look(parameter);
        return shown(parameter);
      },
    ),
    route(
      "POST",
      "/destinations/{name}/probe",
      changing(
        "probeDestination",
        "Try a destination now",
        "Where it is down or held, or where a record has failed and none succeeded since: the next attempt is made at once.",
      ),
      async ({ parameter }) => {
        await deliveries().probe(parameter, new Date(following.clock.now()).toISOString());
        await delivering.look(parameter);
        return shown(parameter);
      },
    ),
    route(
      "GET",
      "/destinations/{name}/failures",
      {
        id: "listFailures",
        summary: "List what could not be handed on",
        description: "In the order of the log. Filters are combined with AND; an empty one is none.",
        parameters: FailureParameters,
        exampleQuery: { state: "dead" },
        answers: {
          200: { description: "One page.", schema: FailurePage },
          404: UNKNOWN,
          422: INVALID,
          503: BUSY,
        },
      },
      (exchange) => failures(options, exchange),
    ),
    route(
      "POST",
      "/destinations/{name}/failures/retry",
      {
        id: "retryFailures",
        summary: "Try failures again",
        description:
          "Waiting and dead ones that are named, or that the filters let through; their attempts count anew.",
        body: SelectionBody,
        answers: {
          200: { description: "Done.", schema: CountAnswer },
          404: UNKNOWN,
          422: INVALID,
          503: BUSY,
        },
      },
      (exchange) => selected(options, exchange, "retry"),
    ),
    route(
      "POST",
      "/destinations/{name}/failures/drop",
      {
        id: "dropFailures",
        summary: "Drop failures",
        description: "They are never tried again. The records stay in the log.",
        body: SelectionBody,
        answers: {
          200: { description: "Done.", schema: CountAnswer },
          404: UNKNOWN,
          422: INVALID,
          503: BUSY,
        },
      },
      (exchange) => selected(options, exchange, "drop"),
    ),
    ...replayRoutes(options),
    route(
      "DELETE",
      "/destinations/{name}",
      {
        id: "deleteDestination",
        summary: "Forget a destination",
        description: "Its position and failures, once it isn't in the configuration file any more.",
        answers: {
          204: { description: "It is gone." },
          404: UNKNOWN,
          409: { description: "It is in the configuration file.", schema: DetailAnswer },
          503: BUSY,
        },
      },
      async ({ parameter }) => {
        if (delivering.configOf(parameter) !== undefined)
          return detail(409, "it is in the configuration file: take it out first");
        return (await deliveries().delete(parameter)) ? new Response(null, { status: 204 }) : unknown();
      },
    ),
  ];
}

async function failures({ following }: DestinationRoutesOptions, exchange: Exchange): Promise<Response> {
  const { given, limit, offset, errors } = readFailureParameters(exchange.query);
  if (errors.length > 0) return json(422, { detail: errors });
  const { deliveries } = following.store;
  const { parameter } = exchange;
  if ((await deliveries.find(parameter)) === undefined) return unknown();
  const { data, total } = await deliveries.failures(parameter, {
    ...readFilters(given, FILTERS),
    limit,
    offset,
  });
  return json(200, { data: data.map(shownFailure), total, limit, offset });
}

function shownFailure(failure: Failure) {
  const { position, kind, message_id, state, attempts, last_status, cause, excerpt } = failure;
  const { first_at, last_at, next_at, replay } = failure;
  return {
    ...{ position, kind, message_id, state, attempts, last_status, cause, excerpt },
    ...{ first_at, last_at, next_at, replay: replay === "" ? null : replay },
  };
}

async function selected(
  { following, delivering }: DestinationRoutesOptions,
  exchange: Exchange,
  what: "retry" | "drop",
): Promise<Response> {
  const read = await bodyOf<FailureFilter>(exchange, selections);
  if ("errors" in read) return json(422, { detail: read.errors });
  const bad = read.value.positions?.find((position) => parsePosition(position) === undefined);
  if (bad !== undefined)
    return json(422, {
      detail: [
        fieldError("body", "positions", "position_invalid", "It takes positions that Postern gave", bad),
      ],
    });
  const { deliveries } = following.store;
  const { parameter } = exchange;
  if ((await deliveries.find(parameter)) === undefined) return unknown();
  const now = new Date(following.clock.now()).toISOString();
  const records =
    what === "retry"
      ? await deliveries.retry(parameter, read.value, now)
      : await deliveries.drop(parameter, read.value, now);
  await delivering.look(parameter);
  return json(200, { records });
}
