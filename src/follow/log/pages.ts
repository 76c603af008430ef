/** `GET /log`: what was stored after a position, page by page, in the order of the log. */
import { Type } from "typebox";
import { DetailAnswer, InvalidAnswer } from "../../core/field-errors.ts";
import { json } from "../../lib/response.ts";
import type { Exchange, Route } from "../../lib/route.ts";
import { answerPage, LogPageAnswer, LostAnswer } from "../answer-page.ts";
import type { Following } from "../following.ts";
import { FOLLOW_PARAMETERS, FOLLOWED_PAGE_PARAMETERS, followParameters } from "../parameters.ts";

const Parameters = Type.Object({ ...FOLLOW_PARAMETERS, ...FOLLOWED_PAGE_PARAMETERS });
const readParameters = followParameters(Parameters);

export function logRoute(following: Following): Route {
  return {
    method: "GET",
    path: "/log",
    access: "token",
    listener: "read",
    doc: {
      id: "readLog",
      tag: "Follow",
      summary: "Read the log from a position on",
      description:
        "Messages and events in the order in which they were stored, each once, without a gap: also what arrived later than " +
        "it was sent. `next` is where the next page begins; it is always there, and has moved past what the filters left " +
        "out. A page holds everything that was acknowledged before it was asked for, and looks at 20,000 records at most. " +
        "With `wait` an empty answer comes only when the time is over.",
      parameters: Parameters,
      exampleQuery: { after: "start", limit: 100 },
      answers: {
        200: { description: "One page.", schema: LogPageAnswer },
        410: {
          description: "The position doesn't hold: the log was rewound, or is another one.",
          schema: LostAnswer,
        },
        422: { description: "A parameter can't be read.", schema: InvalidAnswer },
        503: { description: "The read did not finish in `QUERY_TIMEOUT_MS`.", schema: DetailAnswer },
      },
    },
    handle: (exchange) => read(following, exchange),
  };
}

async function read(following: Following, exchange: Exchange): Promise<Response> {
  const { start, errors, ...query } = readParameters(exchange.query);
  if (errors.length > 0) return json(422, { detail: errors });
  return answerPage(following, exchange, { ...query, position: await following.positionOf(start) });
}
