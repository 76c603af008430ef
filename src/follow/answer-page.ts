/** Answers with what stands behind a position: a page at once, or when something matches. */
import { Type } from "typebox";
import { parsePosition } from "../core/position.ts";
import { jsonText } from "../lib/response.ts";
import type { Exchange } from "../lib/route.ts";
import { LogRecord } from "./followed-record.ts";
import { type FollowedPage, Follower, type FollowerOptions } from "./follower.ts";
import type { Following } from "./following.ts";

export const LogPageAnswer = Type.Object(
  {
    data: Type.Array(LogRecord),
    next: Type.String({
      description: "Go on from here: behind everything that was looked at.",
      examples: ["5f0c1d9a03bb71c2.1204"],
    }),
    more: Type.Boolean({
      description: "Whether there was more when the page was read; then `data` may be empty.",
      examples: [false],
    }),
  },
  { $id: "LogPage" },
);

const LOST =
  "the position doesn't hold: the log was rewound, or is another one. Go on from `start`, and expect records again";

export const LostAnswer = Type.Object(
  {
    detail: Type.String({ examples: [LOST] }),
    start: Type.String({
      description: "The position before the first record.",
      examples: ["5f0c1d9a00000000.0"],
    }),
  },
  { $id: "PositionLost" },
);

interface PageQuery extends Pick<FollowerOptions, "filter" | "bodies" | "position"> {
  readonly limit: number;
  readonly waitS: number;
}

/** 200 with the page; 410 where the position doesn't hold. */
export async function answerPage(
  following: Following,
  exchange: Exchange,
  query: PageQuery,
): Promise<Response> {
  const { filter, bodies, position, limit, waitS } = query;
  const { mark = "", seq = 0 } = parsePosition(position) ?? {};
  const page = await following.store.changesText({ after: seq, mark, limit, filter, bodies });
  if (page.isLost) return lost(page.position);
  if (page.isEmpty && !page.more && waitS > 0)
    return answerNext(following, exchange, { ...query, position: page.position });
  return answer(page.text, page);
}

/** Where there is nothing yet: when something matches, or the time is over. */
async function answerNext(
  following: Following,
  exchange: Exchange,
  { limit, waitS, ...from }: PageQuery,
): Promise<Response> {
  exchange.mayTakeS(waitS);
  const over = new AbortController();
  const cancel = following.clock.after(waitS * 1000, () => over.abort());
  try {
    const until = AbortSignal.any([over.signal, exchange.request.signal, following.stopping]);
    const page = await new Follower({ ...following, ...from }).next(limit, until);
    if (page.isLost) return lost(page.position);
    return answer(Buffer.from(`[${page.records.map(({ text }) => text).join(",")}]`), page);
  } finally {
    cancel();
  }
}

function answer(records: Uint8Array, { position, more }: Pick<FollowedPage, "position" | "more">): Response {
  const end = `,"next":"${position}","more":${more}}`;
  return jsonText(200, Buffer.concat([Buffer.from('{"data":'), records, Buffer.from(end)]));
}

/** The answer to a position that doesn't hold. */
export function lost(start: string, status = 410): Response {
  return jsonText(status, JSON.stringify({ detail: LOST, start }));
}
