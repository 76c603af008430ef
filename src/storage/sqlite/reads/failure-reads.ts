/** Questions about failures to the readers' threads. */
import type { Failure } from "../../../core/deliveries.ts";
import type { FailureReads } from "../ingest/deliveries.ts";
import { type FailureAsk, isFiltered } from "./failures.ts";
import type { TimedReads } from "./timed-reads.ts";

export function failureReads(reads: TimedReads): FailureReads {
  const ask = <T>(question: FailureAsk): Promise<T> => {
    const kind = question.of === "failures" && isFiltered(question.given[1]) ? "search" : "lookup";
    return reads.ask<T>(kind, (deadline) => ({ do: "failures", question, deadline }));
  };
  return {
    due: (...given) => ask({ of: "due", given }),
    waitingSenders: (...given) => ask({ of: "waitingSenders", given }),
    firstOf: async (...given) => (await ask<Failure | null>({ of: "firstOf", given })) ?? undefined,
    figures: (...given) => ask({ of: "figures", given }),
    failures: (...given) => ask({ of: "failures", given }),
  };
}
