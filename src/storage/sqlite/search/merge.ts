/** Several neighbouring segments become one, the very one that their messages would have made together. */
import { firstVarint, varintSize, writeVarint } from "./bits.ts";
import { bytesOf, type SegmentBytes, SegmentIndex, wordsOf } from "./segment.ts";

interface Part {
  readonly index: SegmentIndex;
  readonly postings: Uint8Array;
  readonly lasts: Uint32Array;
  /** What a document's number grows by. */
  readonly shift: number;
  term: number;
  /** The bytes of the present term; undefined after the last one. */
  text: string | undefined;
}

/** `segments` in the order of their rows. Lists are copied as they are, but for the distance to their first number. */
export function mergeSegments(segments: readonly SegmentBytes[]): SegmentBytes {
  const [head] = segments as [SegmentBytes];
  const parts = segments.map((segment): Part => {
    const index = new SegmentIndex(segment);
    const { postings, lasts, first } = segment;
    return {
      index,
      postings,
      lasts: wordsOf(lasts),
      shift: first - head.first,
      term: 0,
      text: index.size > 0 ? index.bytesOf(0) : undefined,
    };
  });
  const sum = (size: (segment: SegmentBytes) => number) =>
    segments.reduce((total, segment) => total + size(segment), 0);
  const termsMax = sum(({ lasts }) => lasts.length / 4);
  const dictionary = Buffer.alloc(sum(({ dictionary }) => dictionary.length));
  const starts = new Uint32Array(termsMax + 1);
  const lists = new Uint32Array(termsMax + 1);
  const lasts = new Uint32Array(termsMax);
  // A list's first distance grows by at most four bytes.
  const postings = new Uint8Array(sum(({ postings }) => postings.length) + 4 * termsMax);
  let terms = 0;
  let at = 1;
  let end = 0;
  for (let text = least(parts); text !== undefined; text = least(parts)) {
    starts[terms] = at;
    lists[terms] = end;
    at += dictionary.write(text, at, "latin1") + 1;
    let previous = 0;
    for (const part of parts) {
      if (part.text !== text) continue;
      end = appendList(part, postings, end, previous);
      previous = (part.lasts[part.term] as number) + part.shift;
      part.term++;
      part.text = part.term < part.index.size ? part.index.bytesOf(part.term) : undefined;
    }
    lasts[terms++] = previous;
  }
  starts[terms] = at;
  lists[terms] = end;
  const offsets = new Uint32Array(2 * (terms + 1));
  offsets.set(starts.subarray(0, terms + 1));
  offsets.set(lists.subarray(0, terms + 1), terms + 1);
  return {
    first: head.first,
    last: (segments.at(-1) as SegmentBytes).last,
    documents: sum(({ documents }) => documents),
    dictionary: dictionary.subarray(0, at),
    offsets: bytesOf(offsets),
    lasts: bytesOf(lasts.slice(0, terms)),
    postings: postings.slice(0, end),
  };
}

function least(parts: readonly Part[]): string | undefined {
  let found: string | undefined;
  for (const { text } of parts) if (text !== undefined && (found === undefined || text < found)) found = text;
  return found;
}

/** Appends the present list of a part after one that ends with `previous`; returns where it ends. */
function appendList(
  { index, term, postings: source, shift }: Part,
  target: Uint8Array,
  at: number,
  previous: number,
): number {
  const { start, end } = index.postingRange(term);
  const first = firstVarint(source, start);
  const rest = start + varintSize(first);
  const next = writeVarint(target, at, first + shift - previous);
  // Most lists are short: a loop beats a call.
  if (end - rest < 32) {
    let to = next;
    for (let from = rest; from < end; from++) target[to++] = source[from] as number;
  } else target.set(source.subarray(rest, end), next);
  return next + end - rest;
}
