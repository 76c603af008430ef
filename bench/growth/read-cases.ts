// The reads that are timed, each with what it has to match: the generator counts by it, and every
// answer is held to that.

import { firstInstantMs, instant, type Message, ownNumbers, senderNumber } from "../messages.ts";

export const rareWord = "bergamotte";
export const rareTimes = 20;
/** Shares most of its letters with the rare one, so that no index can be sure too early. */
const absentWord = "bergamotta";
const frequentWord = "you";
/** In one text of twenty, about. */
const commonWord = "send";
/** The messages of a database, however many, are spread over a year. */
export const yearMs = 365 * 24 * 3600 * 1000;
const senderRank = 9;

const readNames = [
  "first page",
  "from page",
  "since page",
  "offset half",
  "stats",
  "rare word",
  "absent word",
  "frequent word",
  "one character",
  "two characters",
  "common word",
  "word and from",
  "word and since",
  "common word and since",
  "common word and until",
  "to page",
  "to and since",
] as const;
export type ReadName = (typeof readNames)[number];

/**
 * Whether a message matches; `lower` is its text in lower case (enough: the words looked for are
 * plain ASCII).
 */
type Matches = (message: Message, lower: string) => boolean;

export type ReadCase = { name: ReadName; path: string; matches: Matches };

export function readCases(size: number, senders: number): ReadCase[] {
  const from = senderNumber(Math.min(senderRank, senders - 1));
  const since = instant(firstInstantMs + yearMs / 2);
  const to = ownNumbers[1] ?? "";
  const isFrom: Matches = (message) => message.from === from;
  const isTo: Matches = (message) => message.to === to;
  const isSince: Matches = (message) => message.ts >= since;
  const isBefore: Matches = (message) => message.ts < since;
  const all: Matches = () => true;
  const has =
    (word: string): Matches =>
    (_, lower) =>
      lower.includes(word);
  const both =
    (one: Matches, other: Matches): Matches =>
    (message, lower) =>
      one(message, lower) && other(message, lower);
  const cases: Record<ReadName, [path: string, matches: Matches]> = {
    "first page": ["/messages", all],
    "from page": [page({ from }), isFrom],
    "since page": [page({ since }), isSince],
    "offset half": [page({ offset: String(size >> 1) }), all],
    stats: ["/stats", all],
    "rare word": [page({ q: rareWord }), has(rareWord)],
    "absent word": [page({ q: absentWord }), has(absentWord)],
    "frequent word": [page({ q: frequentWord }), has(frequentWord)],
    "one character": [page({ q: "e" }), has("e")],
    "two characters": [page({ q: "th" }), has("th")],
    "common word": [page({ q: commonWord }), has(commonWord)],
    "word and from": [page({ q: frequentWord, from }), both(isFrom, has(frequentWord))],
    "word and since": [page({ q: frequentWord, since }), both(isSince, has(frequentWord))],
    "common word and since": [page({ q: commonWord, since }), both(isSince, has(commonWord))],
    "common word and until": [page({ q: commonWord, until: since }), both(isBefore, has(commonWord))],
    "to page": [page({ to }), isTo],
    "to and since": [page({ to, since }), both(isSince, isTo)],
  };
  return readNames.map((name) => ({ name, path: cases[name][0], matches: cases[name][1] }));
}

function page(parameters: Record<string, string>): string {
  return `/messages?${new URLSearchParams(parameters)}`;
}
