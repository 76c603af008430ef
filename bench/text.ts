// Texts of messages: natural to an index (frequent words frequent, most texts distinct), the same
// for the same draws. They follow a source and hop, now and then, to another place of it where the
// same word stands.

import { readFileSync } from "node:fs";
import { type Random, randomFrom, zipfRank } from "./random.ts";
import { words } from "./words.ts";

export type TextSource = {
  /** Tells sources apart: a database that was built from one isn't taken for another's. */
  digest: string;
  compose: (random: Random) => string;
};

const end = 0;
/** One word of so many is followed by a hop. */
const hopEvery = 3;
const lengthMin = 20;
const lengthSpread = 100;
/** One text of so many is three times as long. */
const longEvery = 16;
const builtInTexts = 6000;
const inventedWords = 3000;
/** So the most frequent word makes up three per cent, as in English. */
const wordShift = 5;
const syllables = "ba cha den el fi gan ho ir ja ko lu mer ni os pra qui ra sen ti ul va wen xi yo zu".split(
  " ",
);

/**
 * Texts of a TSV file with a header line, whose last column is the text; without a file, of a
 * built-in list of words.
 */
export function openText(file?: string): TextSource {
  const texts = file === undefined ? builtIn() : lastColumn(readFileSync(file, "utf8"));
  if (texts.length === 0) throw new Error(`${file} has no line with a text after its header`);
  return { digest: Bun.hash(texts.join("\n")).toString(16), compose: composer(texts) };
}

function lastColumn(tsv: string): string[] {
  const lines = tsv.split(/\r?\n/).slice(1);
  return lines.map((line) => line.slice(line.lastIndexOf("\t") + 1).trim()).filter((text) => text !== "");
}

/** Sentences of common words, then names, then invented words: the rarer, the further behind. */
function builtIn(): string[] {
  const random = randomFrom(0);
  const invented = Array.from({ length: inventedWords }, () =>
    Array.from({ length: 2 + (random() % 3) }, () => syllables[random() % syllables.length]).join(""),
  );
  const vocabulary = [...words, ...invented];
  return Array.from({ length: builtInTexts }, () => {
    const length = 4 + (random() % 20);
    const chosen = Array.from(
      { length },
      () => vocabulary[zipfRank(vocabulary.length, wordShift, random)] ?? "",
    );
    const sentence = chosen.join(" ");
    return sentence.charAt(0).toUpperCase() + sentence.slice(1) + (".?!…"[random() % 8] ?? "");
  });
}

function composer(texts: string[]): (random: Random) => string {
  const { tokens, spellings, starts, places } = indexed(texts);
  const begin = (random: Random): number => starts[random() % starts.length] ?? 0;
  return (random) => {
    const factor = random() % longEvery === 0 ? 3 : 1;
    const wanted = (lengthMin + (random() % lengthSpread)) * factor;
    let place = begin(random);
    let text = spellings[tokens[place] ?? end] ?? "";
    while (text.length < wanted) {
      if (random() % hopEvery === 0) {
        const same = places[tokens[place] ?? end] ?? [];
        place = same[random() % same.length] ?? place;
      }
      place++;
      if (tokens[place] === end) place = begin(random);
      text += ` ${spellings[tokens[place] ?? end]}`;
    }
    return text;
  };
}

/** Every text as its words' numbers and an end; where texts start, and where each word stands. */
function indexed(texts: string[]) {
  const numbers = new Map<string, number>([["", end]]);
  const tokens: number[] = [];
  const starts: number[] = [];
  const places: number[][] = [[]];
  for (const text of texts) {
    starts.push(tokens.length);
    for (const word of text.split(/\s+/)) {
      const number = numbers.get(word) ?? numbers.size;
      numbers.set(word, number);
      places[number] ??= [];
      places[number].push(tokens.length);
      tokens.push(number);
    }
    tokens.push(end);
  }
  return { tokens: Uint32Array.from(tokens), spellings: [...numbers.keys()], starts, places };
}
