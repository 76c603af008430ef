/**
 * `/destinations/{name}/replay…`: a part of the log is handed on to a destination once more. It is
 * told where it begins, so that nobody sends everything again by leaving something out.
 */
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { type ChangesFilter, RECORD_KINDS, type RecordKind } from "../../core/changes.ts";
import { REPLAYS_MAX } from "../../core/deliveries.ts";
import { type DestinationConfig, filterOf } from "../../core/destination-config.ts";
import { DetailAnswer, type FieldError, fieldError } from "../../core/field-errors.ts";
import { seqOf } from "../../core/position.ts";
import { randomId } from "../../lib/chance.ts";
import { parseRate, RATE_PATTERN } from "../../lib/rate.ts";
import { detail, json } from "../../lib/response.ts";
import type { Exchange, Route } from "../../lib/route.ts";
import { LostAnswer, lost } from "../answer-page.ts";
import { ALL, kindsOf, START_RULE, type Start, startOfText } from "../parameters.ts";
import { bodyOf } from "../request-body.ts";
import {
  BUSY,
  DestinationPath,
  type DestinationRoutesOptions,
  destinationRoute,
  INVALID,
  UNKNOWN,
  unknownDestination,
} from "./destination-route.ts";
import { COUNT_S_MAX, recordsIn } from "./record-count.ts";
import { newReplayId } from "./replay-id.ts";
import { ReplayAnswer, shownReplay } from "./shown-replay.ts";

const RATE_DEFAULT = "200/s";
const UNTIL_RULE = "It takes a position, now or an instant such as 2025-01-15T10:00:00Z";

/** A text that every engine can be asked for. */
const address = (description: string) =>
  Type.Optional(Type.String({ pattern: "^[^\\u0000]+$", description }));

const ReplayBody = Type.Object(
  {
    after: Type.String({
      description:
        "Where it begins: a position, `start` (with everything that is stored), `now` or an instant.",
      examples: ["2026-11-28T10:00:00Z"],
    }),
    until: Type.Optional(
      Type.String({
        description:
          "Where it ends: a position, whose record belongs to it, an instant, whose records don't, or `now`, the end of the " +
          "log when this is asked.",
        default: "now",
      }),
    ),
    kinds: Type.Optional(
      Type.Array(Type.Enum([...RECORD_KINDS, ALL]), {
        minItems: 1,
        description: "Kinds, or `all` by itself. Default: those of the destination.",
      }),
    ),
    source: address(
      "The name of a source; `native` for `POST /webhook`. Default: the destination's `sources`.",
    ),
    from: address("Exact sender; events have none and never match. Default: the destination's."),
    to: address("Exact recipient, likewise."),
    rate: Type.Optional(
      Type.String({
        pattern: RATE_PATTERN,
        description:
          "Records at most, such as `50/s`, `30/m` or `1000/h`; the destination's own `rate` holds for all.",
        default: RATE_DEFAULT,
      }),
    ),
    new_ids: Type.Optional(
      Type.Boolean({
        description:
          "Whether each `webhook-id` ends with `_` and the replay's `id`, for a receiver that would drop what it knows.",
        default: false,
      }),
    ),
    dry_run: Type.Optional(Type.Boolean({ description: "Count, and send nothing.", default: false })),
  },
  {
    additionalProperties: false,
    examples: [{ after: "2025-11-28T10:00:00Z", kinds: ["message"], rate: "50/s", dry_run: true }],
  },
);
type ReplayGiven = Static<typeof ReplayBody>;
const replayBodies = Compile(ReplayBody);

const CountAnswer = Type.Object({
  records: Type.Integer({ description: "How many match.", examples: [1756] }),
});
const BegunAnswer = Type.Object({
  id: Type.String({ examples: ["rp_019ac9d5e7b4f02c"] }),
  records: Type.Integer({ description: "How many match.", examples: [1756] }),
});
const ReplayList = Type.Object({ data: Type.Array(ReplayAnswer) }, { $id: "ReplayList" });

const ReplayPath = Type.Object({
  ...DestinationPath.properties,
  id: Type.String({ description: "As the list has it.", examples: ["rp_019ac9d5e7b4f02c"] }),
});

export function replayRoutes(options: DestinationRoutesOptions): readonly Route[] {
  const { following, delivering } = options;
  const deliveries = () => following.store.deliveries;
  return [
    destinationRoute(
      "POST",
      "/destinations/{name}/replay",
      {
        id: "replayRecords",
        summary: "Hand a part of the log on once more",
        description:
          "Beside the live deliveries, which go on: what matches is sent again, each sender's in order, with the same " +
          "`webhook-id` as before and `postern-replay: true`. While the destination is down or paused it waits. A destination " +
          `has up to ${REPLAYS_MAX}, which go one after the other. Try it with \`dry_run\` first.`,
        body: ReplayBody,
        answers: {
          200: { description: "Of a dry run: nothing is sent.", schema: CountAnswer },
          202: { description: "It has begun, and goes on after a restart.", schema: BegunAnswer },
          404: UNKNOWN,
          409: {
            description: "The destination isn't in the configuration file, or has too many replays.",
            schema: DetailAnswer,
          },
          410: {
            description: "A position doesn't hold, or lies beyond the end of the log.",
            schema: LostAnswer,
          },
          422: INVALID,
          503: {
            description: `The records could not be counted in ${COUNT_S_MAX} s, or the store can't keep it now.`,
            schema: DetailAnswer,
          },
        },
      },
      (exchange) => begin(options, exchange),
    ),
    destinationRoute(
      "GET",
      "/destinations/{name}/replays",
      {
        id: "listReplays",
        summary: "List replays",
        description:
          "Those that run or wait, the oldest first: one that has come to its end is not listed any more. What failed in it " +
          "is among the destination's failures.",
        answers: { 200: { description: "All.", schema: ReplayList }, 404: UNKNOWN, 503: BUSY },
      },
      async ({ parameter }) => {
        if ((await deliveries().find(parameter)) === undefined) return unknownDestination();
        const data = [];
        for (const replay of await deliveries().replays(parameter))
          data.push(await shownReplay(following, replay));
        return json(200, { data });
      },
    ),
    destinationRoute(
      "DELETE",
      "/destinations/{name}/replays/{id}",
      {
        id: "stopReplay",
        summary: "Stop a replay",
        description: "It sends nothing more. What failed in it so far stays among the failures.",
        path: ReplayPath,
        answers: {
          204: { description: "It is stopped." },
          404: { description: "There is no such destination, or no such replay.", schema: DetailAnswer },
          503: BUSY,
        },
      },
      async ({ parameters: { name = "", id = "" } }) => {
        if ((await deliveries().find(name)) === undefined) return unknownDestination();
        if (!(await deliveries().deleteReplay(name, id))) return detail(404, "there is no replay of this id");
        await delivering.look(name);
        return new Response(null, { status: 204 });
      },
    ),
  ];
}

async function begin(
  { following, delivering }: DestinationRoutesOptions,
  exchange: Exchange,
): Promise<Response> {
  const name = exchange.parameter;
  const read = await bodyOf<ReplayGiven>(exchange, replayBodies);
  const asked = "errors" in read ? read : readReplay(read.value);
  if ("errors" in asked) return json(422, { detail: asked.errors });
  const { deliveries } = following.store;
  if ((await deliveries.find(name)) === undefined) return unknownDestination();
  const config = delivering.configOf(name);
  if (config === undefined)
    return detail(409, "it isn't in the configuration file: there is nobody to hand on to");

  const position = await following.positionOf(asked.after);
  const end = await following.positionOf(asked.until);
  const start = (await following.startIfLost(position)) ?? (await following.startIfLost(end));
  if (start !== undefined) return lost(start);
  const [after, until] = [seqOf(position), seqOf(end)];
  if (until < after) return json(422, { detail: [beforeAfter(asked.given.until)] });
  const filter = replayFilter(config, asked);
  exchange.mayTakeS(COUNT_S_MAX);
  const signal = AbortSignal.any([exchange.request.signal, following.stopping]);
  const records = await recordsIn(following, { after, until, filter }, signal);
  const { dry_run = false, new_ids: newIds = false, rate = RATE_DEFAULT } = asked.given;
  if (dry_run) return json(200, { records });

  const createdAt = new Date(following.clock.now()).toISOString();
  const id = newReplayId(randomId, newIds);
  const added = await deliveries.addReplay({
    ...{ id, destination: name, position, until, filter, newIds, records, done: 0 },
    ...{ rate: parseRate(rate) ?? Number.NaN, createdAt },
  });
  if (added === "unknown") return unknownDestination();
  if (added === "full") return detail(409, `it has ${REPLAYS_MAX} replays already: wait, or stop one`);
  await delivering.look(name);
  return json(202, { id, records });
}

interface AskedReplay {
  readonly given: ReplayGiven;
  readonly after: Start;
  readonly until: Start;
  /** Undefined: those of the destination. */
  readonly kinds: readonly RecordKind[] | undefined;
}

/** What is asked for, or every mistake that no schema finds. */
function readReplay(given: ReplayGiven): AskedReplay | { readonly errors: readonly FieldError[] } {
  const after = startOfText(given.after);
  const until = given.until === "start" ? undefined : startOfText(given.until ?? "now");
  const kinds = given.kinds && kindsOf(given.kinds);
  const isMixed = given.kinds !== undefined && kinds === undefined;
  if (after !== undefined && until !== undefined && !isMixed) return { given, after, until, kinds };
  return {
    errors: [
      ...(after === undefined
        ? [fieldError("body", "after", "position_invalid", START_RULE, given.after)]
        : []),
      ...(until === undefined
        ? [fieldError("body", "until", "position_invalid", UNTIL_RULE, given.until)]
        : []),
      ...(isMixed ? [fieldError("body", "kinds", "enum", "`all` stands by itself", given.kinds)] : []),
    ],
  };
}

function beforeAfter(until = "now"): FieldError {
  return fieldError("body", "until", "out_of_range", "It lies before after", until);
}

/** What is said, and the destination's own filter where nothing is. */
function replayFilter(config: DestinationConfig, { given, kinds }: AskedReplay): ChangesFilter {
  const { source, from, to } = given;
  return {
    ...filterOf(config),
    ...(kinds !== undefined && { kinds }),
    ...(source !== undefined && { sources: [source] }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  };
}
