/** What the service answers, asked again and again while the page is looked at. */
import { useEffect, useRef } from "preact/hooks";
import { now, whileVisible } from "./clock.ts";
import { liveBegun } from "./live.ts";
import { useAnswer } from "./use-answer.ts";

/** What took long costs the service something: it rests so many times as long, up to a minute. */
const REST = 20;
const REST_MS_MAX = 60_000;
/** What failed may be well again soon, and until then nothing new is shown. */
const FAILED_REST_MS_MAX = 15_000;

/** As `useAnswer`; a slow answer is waited for, and the next is asked for later. */
export function useLiveAnswer<Value>(
  key: string,
  everyMs: number,
  read: (signal: AbortSignal) => Promise<Value>,
): ReturnType<typeof useAnswer<Value>> {
  const underway = useRef(0);
  const restsUntil = useRef(0);
  const answered = useAnswer(key, async (signal) => {
    underway.current++;
    const asked = now();
    let restMsMax = FAILED_REST_MS_MAX;
    try {
      const value = await read(signal);
      restMsMax = REST_MS_MAX;
      return value;
    } finally {
      underway.current--;
      restsUntil.current = now() + Math.min(restMsMax, REST * (now() - asked));
    }
  });
  const latest = useRef(answered);
  latest.current = answered;
  // The header says by the stream whether the service is there.
  useEffect(() => void liveBegun().catch(() => undefined), []);
  useEffect(
    () =>
      whileVisible(everyMs, (isBack) => {
        if (underway.current === 0 && (isBack || now() >= restsUntil.current)) latest.current.again();
      }),
    [everyMs],
  );
  return answered;
}
