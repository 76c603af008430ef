/** Answers with what stands behind a position: a page at once, or when something matches. */
import { Type } from "typebox";
import { jsonText } from "../lib/response.ts";
import type { Exchange } from "../lib/route.ts";
import { LogRecord } from "./followed-record.ts";
import { Follower, type FollowerOptions } from "./follower.ts";
import type { Following } from "./following.ts";

export const LogPageAnswer = Type.Object(
  {
    data: Type.Array(LogRecord),
    next: Type.String({ description: "Go on from here: behind everything that was looked at." }),
    more: Type.Boolean({
      description: "Whether there was more when the page was read; then `data` may be empty.",
    }),
  },
  { $id: "LogPage" },
);

export const LostAnswer = Type.Object(
  {
    detail: Type.String(),
    start: Type.String({ description: "The position before the first record." }),
  },
  { $id: "PositionLost" },
);

const LOST =
  "the position doesn't hold: the log was rewound, or is another one. Go on from `start`, and expect records again";

interface PageQuery extends Pick<FollowerOptions, "filter" | "bodies" | "position"> {
  readonly limit: number;
  readonly waitS: number;
}

/** 200 with the page; 410 where the position doesn't hold. */
export async function answerPage(
  following: Following,
  exchange: Exchange,
  { limit, waitS, ...from }: PageQuery,
): Promise<Response> {
  const follower = new Follower({ ...following, ...from });
  let page = await follower.read(limit);
  if (waitS > 0 && page.records.length === 0 && !page.more && !page.isLost) {
    exchange.mayTakeS(waitS);
    const over = new AbortController();
    const cancel = following.clock.after(waitS * 1000, () => over.abort());
    try {
      page = await follower.next(
        limit,
        AbortSignal.any([over.signal, exchange.request.signal, following.stopping]),
      );
    } finally {
      cancel();
    }
  }
  if (page.isLost) return lost(page.position);
  const data = page.records.map(({ text }) => text).join(",");
  return jsonText(200, `{"data":[${data}],"next":"${page.position}","more":${page.more}}`);
}

/** The answer to a position that doesn't hold. */
export function lost(start: string, status = 410): Response {
  return jsonText(status, JSON.stringify({ detail: LOST, start }));
}
