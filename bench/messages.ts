// The endless list of messages that the benchmarks send, import and look for. The same arguments
// always give the same messages; stretches of the list that don't overlap share no message_id.

import { type Random, randomFrom, scrambled, zipfRank } from "./random.ts";
import type { TextSource } from "./text.ts";

export type Message = { message_id: string; from: string; to: string; ts: string; text: string };

/** `random`: like WhatsApp's, without any order; `time`: UUIDs of version 7, which ascend. */
export const idKinds = ["random", "time"] as const;
export type IdKind = (typeof idKinds)[number];

export type Series = { seed: number; ids: IdKind; senders: number; source: TextSource };

export type Stretch = {
  first: number;
  count: number;
  firstInstantMs: number;
  msPerMessage: number;
  /** Without it, one of `ownNumbers`. */
  to?: string;
  /**
   * A word that is put into that many of the messages (or all, if there are fewer), evenly spread.
   */
  planted?: { word: string; times: number };
};

export const ownNumbers = ["+14155550100", "+14155550101", "+14155550102", "+14155550103"];
export const firstInstantMs = Date.UTC(2025, 0, 15, 10);

/** A message is up to this much older than those before it: networks deliver late. */
const latenessMsMax = 600_000;
/** One text of so many holds a number that no other holds. */
const codeEvery = 5;
const codeSalt = 0x5bd1e995;
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

export function* messages(series: Series, stretch: Stretch): Generator<Message> {
  const random = randomFrom(scrambled(series.seed) ^ stretch.first);
  for (let offset = 0; offset < stretch.count; offset++) {
    const index = stretch.first + offset;
    const sentMs = stretch.firstInstantMs + Math.floor(offset * stretch.msPerMessage);
    yield {
      message_id: series.ids === "random" ? randomId(index, random) : timeId(index, sentMs, random),
      from: senderNumber(zipfRank(series.senders, 1, random)),
      to: stretch.to ?? ownNumbers[random() % ownNumbers.length] ?? "",
      ts: instant(sentMs - (random() % latenessMsMax)),
      text: text(series.source, index, random) + plantedWord(stretch, offset),
    };
  }
}

/** The sender of that rank: 0 is the one who sends most. */
export function senderNumber(rank: number): string {
  return `+9198${76_500_000 + rank}`;
}

export function instant(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

function text(source: TextSource, index: number, random: Random): string {
  const composed = source.compose(random);
  if (random() % codeEvery !== 0) return composed;
  const code = scrambled(index ^ codeSalt);
  return random() % 2 === 0 ? `${composed} ${code}` : `Code ${code}: ${composed}`;
}

function plantedWord({ planted, count }: Stretch, offset: number): string {
  if (planted === undefined) return "";
  const spacing = Math.max(1, Math.floor(count / planted.times));
  const isPlace = offset % spacing === spacing >> 1 && offset < spacing * planted.times;
  return isPlace ? ` ${planted.word}` : "";
}

/** Distinct because the last six characters are a bijection of the index. */
function randomId(index: number, random: Random): string {
  const characters = sixCharacters(random()) + sixCharacters(random()) + sixCharacters(random());
  return `wamid.HBgM${characters}${sixCharacters(scrambled(index))}`;
}

/**
 * RFC 9562, 5.7: milliseconds, then chance. Distinct because the last eight digits are a bijection
 * of the index.
 */
function timeId(index: number, milliseconds: number, random: Random): string {
  const [time, chance] = [hex(milliseconds, 12), hex(random(), 8)];
  const variant = hex(0x8000 | (random() & 0x3fff), 4);
  const tail = chance.slice(3, 7) + hex(scrambled(index), 8);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${chance.slice(0, 3)}-${variant}-${tail}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function sixCharacters(value: number): string {
  let characters = "";
  for (let shift = 0; shift < 36; shift += 6) {
    const digit = shift < 30 ? (value >>> shift) & 63 : value >>> 30;
    characters += alphabet[digit];
  }
  return characters;
}
