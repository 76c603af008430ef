/**
 * `/consumers…`: positions that the service keeps for whoever follows the log by pages. What isn't
 * acknowledged comes again.
 */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { RECORD_KINDS } from "../../core/changes.ts";
import { CONSUMERS_MAX, type Consumer, type ConsumerFilter } from "../../core/consumers.ts";
import { DetailAnswer, type FieldError, fieldError, InvalidAnswer } from "../../core/field-errors.ts";
import { parsePosition } from "../../core/position.ts";
import { detail, json } from "../../lib/response.ts";
import type { AnswerDoc, Exchange, Route } from "../../lib/route.ts";
import { answerPage, LogPageAnswer, LostAnswer, lost } from "../answer-page.ts";
import type { Following } from "../following.ts";
import {
  ALL,
  FOLLOWED_PAGE_PARAMETERS,
  followParameters,
  kindsOf,
  START_RULE,
  type Start,
  startOfText,
} from "../parameters.ts";
import { bodyOf } from "../request-body.ts";
import { ConsumerAnswer, isName, NAME_RULE, NamePath, shownConsumer } from "./consumer.ts";

const POSITION_RULE = "It takes a position that Postern gave";

const NextParameters = Type.Object({
  ...FOLLOWED_PAGE_PARAMETERS,
  body: Type.Optional(
    Type.Enum(["true", "false"], {
      description:
        "With `true` each record has the provider's own form of it; a page then holds up to 16 MiB.",
    }),
  ),
});
const readNextParameters = followParameters(NextParameters);

const startText = (description: string) => Type.String({ description, examples: ["now"] });
const optionalText = (description: string) =>
  Type.Optional(Type.Union([Type.String({ minLength: 1 }), Type.Null()], { description }));

const NewConsumerBody = Type.Object(
  {
    start: Type.Optional(
      startText("A position, `start` (default), `now` or an instant; counts only when the consumer is made."),
    ),
    kinds: Type.Optional(
      Type.Array(Type.Enum([...RECORD_KINDS, ALL]), {
        minItems: 1,
        description: "Kinds, or `all` by itself; default: `message` alone.",
      }),
    ),
    source: optionalText("The name of a source; `native` for messages of `POST /webhook`."),
    from: optionalText("Exact sender; events have none and never match."),
    to: optionalText("Exact recipient, likewise."),
  },
  { additionalProperties: false, examples: [{ kinds: ["message", "status"], start: "now" }] },
);
const AckBody = Type.Object(
  { position: Type.String({ examples: ["5f0c1d9a03bb71c2.1204"] }) },
  { additionalProperties: false },
);
const SeekBody = Type.Object(
  { to: startText("A position, `start`, `now` or an instant.") },
  { additionalProperties: false },
);
const PositionAnswer = Type.Object({
  position: Type.String({ description: "Where the consumer stands.", examples: ["5f0c1d9a03bb71c2.1204"] }),
});

const ConsumerList = Type.Object({ data: Type.Array(ConsumerAnswer) }, { $id: "ConsumerList" });

const INVALID: AnswerDoc = { description: "Something can't be read.", schema: InvalidAnswer };
const UNKNOWN: AnswerDoc = { description: "There is no consumer of this name.", schema: DetailAnswer };
const BUSY: AnswerDoc = { description: "The store can't say or keep it now.", schema: DetailAnswer };
const NOT_HELD: AnswerDoc = {
  description: "The position doesn't hold, or lies beyond the end of the log.",
  schema: LostAnswer,
};

export function consumerRoutes(following: Following): readonly Route[] {
  const { store } = following;
  const route = (
    method: Route["method"],
    path: string,
    doc: Omit<Route["doc"], "path" | "tag">,
    handle: Route["handle"],
  ): Route => ({
    ...{ method, path, access: "token", listener: "read", handle },
    ...(method !== "GET" && { changes: true }),
    doc: { tag: "Follow", ...doc, ...(path.includes("{name}") && { path: NamePath }) },
  });
  return [
    route(
      "GET",
      "/consumers",
      {
        id: "listConsumers",
        summary: "List consumers",
        description: "All of them, by name, with how far each is behind.",
        answers: {
          200: { description: "All.", schema: ConsumerList },
          503: BUSY,
        },
      },
      async () => {
        const data = [];
        for (const consumer of await store.consumers.list())
          data.push(await shownConsumer(following, consumer));
        return json(200, { data });
      },
    ),
    route(
      "PUT",
      "/consumers/{name}",
      {
        id: "createConsumer",
        summary: "Make a consumer",
        description:
          "A position that the service keeps, with a filter that never changes: made, or found as it is. There are at most " +
          `${CONSUMERS_MAX}.`,
        body: NewConsumerBody,
        answers: {
          200: { description: "It was there already, with the same filter.", schema: ConsumerAnswer },
          201: { description: "It was made.", schema: ConsumerAnswer },
          409: {
            description: "It is there with another filter, there are too many, or `start` doesn't hold.",
            schema: DetailAnswer,
          },
          422: INVALID,
          503: BUSY,
        },
      },
      (exchange) => create(following, exchange),
    ),
    route(
      "GET",
      "/consumers/{name}",
      {
        id: "getConsumer",
        summary: "Show a consumer",
        description: "What it wants, where it stands, and how far it is behind.",
        answers: { 200: { description: "It.", schema: ConsumerAnswer }, 404: UNKNOWN, 503: BUSY },
      },
      async ({ parameter }) => {
        const consumer = await store.consumers.find(parameter);
        return consumer === undefined ? unknown() : json(200, await shownConsumer(following, consumer));
      },
    ),
    route(
      "GET",
      "/consumers/{name}/next",
      {
        id: "readConsumer",
        summary: "Read what comes next",
        description:
          "What `/log` answers from the consumer's position, which this doesn't move: acknowledge `next`.",
        parameters: NextParameters,
        exampleQuery: { limit: 100 },
        answers: {
          200: { description: "One page.", schema: LogPageAnswer },
          404: UNKNOWN,
          410: { description: "The position doesn't hold any more: seek.", schema: LostAnswer },
          422: INVALID,
          503: BUSY,
        },
      },
      (exchange) => next(following, exchange),
    ),
    route(
      "POST",
      "/consumers/{name}/ack",
      {
        id: "acknowledge",
        summary: "Acknowledge up to a position",
        description:
          "On stable storage before the answer. It never moves a consumer back: for an older position the answer is where " +
          "the consumer stands.",
        body: AckBody,
        answers: {
          200: { description: "Where the consumer stands.", schema: PositionAnswer },
          404: UNKNOWN,
          409: NOT_HELD,
          422: INVALID,
          503: BUSY,
        },
      },
      (exchange) => acknowledge(following, exchange),
    ),
    route(
      "POST",
      "/consumers/{name}/seek",
      {
        id: "seekConsumer",
        summary: "Put a consumer anywhere",
        description: "The only way back.",
        body: SeekBody,
        answers: {
          200: { description: "Where the consumer stands.", schema: PositionAnswer },
          404: UNKNOWN,
          409: NOT_HELD,
          422: INVALID,
          503: BUSY,
        },
      },
      (exchange) => seek(following, exchange),
    ),
    route(
      "DELETE",
      "/consumers/{name}",
      {
        id: "deleteConsumer",
        summary: "Delete a consumer",
        description: "Its position is forgotten.",
        answers: { 204: { description: "It is gone." }, 404: UNKNOWN, 503: BUSY },
      },
      async ({ parameter }) =>
        (await store.consumers.delete(parameter)) ? new Response(null, { status: 204 }) : unknown(),
    ),
  ];
}

const newConsumers = Compile(NewConsumerBody);
const acks = Compile(AckBody);
const seeks = Compile(SeekBody);

interface NewConsumerGiven {
  readonly start?: string;
  readonly kinds?: readonly string[];
  readonly source?: string | null;
  readonly from?: string | null;
  readonly to?: string | null;
}

async function create(following: Following, exchange: Exchange): Promise<Response> {
  const name = exchange.parameter;
  if (!isName(name))
    return json(422, { detail: [fieldError("path", "name", "string_pattern_mismatch", NAME_RULE, name)] });
  const read = await bodyOf<NewConsumerGiven>(exchange, newConsumers);
  if ("errors" in read) return json(422, { detail: read.errors });
  const { start: text = "start", kinds: named = ["message"], source, from, to } = read.value;
  const start = startOfText(text);
  if (start === undefined) return json(422, { detail: [startError("start", text)] });
  const kinds = kindsOf(named);
  if (kinds === undefined) {
    const error = fieldError("body", "kinds", "enum", "`all` stands by itself", named);
    return json(422, { detail: [error] });
  }
  const filter: ConsumerFilter = {
    kinds,
    ...(source != null && { sources: [source] }),
    ...(from != null && { from }),
    ...(to != null && { to }),
  };
  const { store } = following;
  const there = await store.consumers.find(name);
  if (there !== undefined) return found(following, there, filter);
  const position = await following.positionOf(start);
  const lostStart = await following.startIfLost(position);
  if (lostStart !== undefined) return lost(lostStart, 409);
  const made = await store.consumers.create({ name, filter, position });
  if (made === undefined) return detail(409, `there are ${CONSUMERS_MAX} consumers already`);
  if (!made.created) return found(following, made.consumer, filter);
  return json(201, await shownConsumer(following, made.consumer));
}

async function found(following: Following, there: Consumer, filter: ConsumerFilter): Promise<Response> {
  const { kinds, sources, from, to } = there.filter;
  const isSame = from === filter.from && to === filter.to && sources?.[0] === filter.sources?.[0];
  if (!isSame || kinds.join() !== filter.kinds.join())
    return detail(409, "a consumer of this name is there with another filter");
  return json(200, await shownConsumer(following, there));
}

async function next(following: Following, exchange: Exchange): Promise<Response> {
  const { errors, limit, waitS, bodies } = readNextParameters(exchange.query);
  if (errors.length > 0) return json(422, { detail: errors });
  const consumer = await following.store.consumers.find(exchange.parameter);
  if (consumer === undefined) return unknown();
  const { filter, position } = consumer;
  return answerPage(following, exchange, { filter, position, limit, waitS, bodies });
}

async function acknowledge(following: Following, exchange: Exchange): Promise<Response> {
  const read = await bodyOf<{ position: string }>(exchange, acks);
  if ("errors" in read) return json(422, { detail: read.errors });
  const { position } = read.value;
  if (parsePosition(position) === undefined) {
    const error = fieldError("body", "position", "position_invalid", POSITION_RULE, position);
    return json(422, { detail: [error] });
  }
  const { store, clock } = following;
  if ((await store.consumers.find(exchange.parameter)) === undefined) return unknown();
  const start = await following.startIfLost(position);
  if (start !== undefined) return lost(start, 409);
  const at = new Date(clock.now()).toISOString();
  return standing(await store.consumers.acknowledge(exchange.parameter, position, at));
}

async function seek(following: Following, exchange: Exchange): Promise<Response> {
  const read = await bodyOf<{ to: string }>(exchange, seeks);
  if ("errors" in read) return json(422, { detail: read.errors });
  const to: Start | undefined = startOfText(read.value.to);
  if (to === undefined) return json(422, { detail: [startError("to", read.value.to)] });
  const { store } = following;
  if ((await store.consumers.find(exchange.parameter)) === undefined) return unknown();
  const position = await following.positionOf(to);
  const start = await following.startIfLost(position);
  if (start !== undefined) return lost(start, 409);
  return standing(await store.consumers.seek(exchange.parameter, position));
}

function standing(consumer: Consumer | undefined): Response {
  return consumer === undefined ? unknown() : json(200, { position: consumer.position });
}

function unknown(): Response {
  return detail(404, "there is no consumer of this name");
}

function startError(member: string, given: string): FieldError {
  return fieldError("body", member, "position_invalid", START_RULE, given);
}
