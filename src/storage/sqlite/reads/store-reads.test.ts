/** Which reads may look at much, and so never keep the others waiting. */
import { expect, test } from "bun:test";
import type { SenderQuery } from "../../../core/store.ts";
import { StoreReads } from "./store-reads.ts";
import type { Kind, TimedReads } from "./timed-reads.ts";

const FIRST: SenderQuery = { limit: 50, offset: 0, order: "desc" };

test("a page of senders is a search where it looks at many of them", async () => {
  const kinds: Kind[] = [];
  const ask = async (kind: Kind) => void kinds.push(kind);
  const reads = new StoreReads({ ask } as unknown as TimedReads);
  const kindOf = async (query: Partial<SenderQuery>) => {
    await reads.listSenders({ ...FIRST, ...query });
    return kinds.at(-1);
  };
  expect(await kindOf({})).toBe("lookup");
  expect(await kindOf({ order: "asc", after: { tsKey: "2025-01-15T10:00:00", messageId: "a" } })).toBe(
    "lookup",
  );
  expect(await kindOf({ offset: 1000 })).toBe("lookup");
  expect(await kindOf({ offset: 1001 })).toBe("search");
  expect(await kindOf({ q: "+49" })).toBe("search");
});
