/**
 * Sorts slices of one array of bytes, in time that grows with their bytes alone: a comparison sort
 * of strangers' strings could be made to compare long common beginnings over and over.
 */
import { freeBytes } from "./free-bytes.ts";

/** Below it comparing costs less than counting. */
const COMPARED_MAX = 32;
/** What a byte can be, the slice's end being one more. */
const BASE = 257;

type Bound = (item: number) => number;

/**
 * Puts `order`, which holds items below `itemsMax`, each once, in the order of their slices' bytes,
 * equal ones by their numbers. `start` and `end` say where an item's slice is. `itemsMax` is at
 * most 2^26.
 */
export function sortSlices(
  order: Uint32Array,
  itemsMax: number,
  bytes: Buffer,
  start: Bound,
  end: Bound,
): void {
  const compare = (a: number, b: number) => bytes.compare(bytes, start(b), end(b), start(a), end(a)) || a - b;
  // As many bytes are looked at together as a number holds beside an item.
  const width = Math.floor(Math.log(Number.MAX_SAFE_INTEGER / itemsMax) / Math.log(BASE));
  // Ranges of items that are equal up to a depth; kept here, since a stack of calls has an end.
  const open: { readonly from: number; readonly to: number; readonly depth: number }[] = [
    { from: 0, to: order.length, depth: 0 },
  ];
  for (let range = open.pop(); range !== undefined; range = open.pop()) {
    const { from, to, depth } = range;
    const part = order.subarray(from, to);
    if (part.length <= COMPARED_MAX) {
      part.set([...part].sort(compare));
      continue;
    }
    const keys = new Float64Array(part.length);
    for (let index = 0; index < part.length; index++) {
      const item = part[index] as number;
      const at = start(item) + depth;
      const last = end(item);
      let digits = 0;
      for (let digit = 0; digit < width; digit++)
        digits = BASE * digits + (at + digit < last ? (bytes[at + digit] as number) + 1 : 0);
      keys[index] = digits * itemsMax + item;
    }
    keys.sort();
    for (let first = 0; first < part.length; ) {
      const digits = Math.floor((keys[first] as number) / itemsMax);
      let index = first;
      for (; index < part.length && Math.floor((keys[index] as number) / itemsMax) === digits; index++)
        part[index] = (keys[index] as number) % itemsMax;
      // The last digit 0 means that they have ended: they are equal.
      if (index - first > 1 && digits % BASE !== 0)
        open.push({ from: from + first, to: from + index, depth: depth + width });
      first = index;
    }
    freeBytes(keys);
  }
}
