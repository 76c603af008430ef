/**
 * Sorts slices of one array of bytes, in time that grows with their bytes alone: a comparison sort of strangers'
 * strings could be made to compare long common beginnings over and over.
 */
import { freeBytes } from "./free-bytes.ts";

/** Below it comparing costs less than counting. */
const COMPARED_MAX = 32;
/** What a byte can be, the slice's end being one more. */
const BASE = 257;

type Bound = (item: number) => number;

/**
 * Puts `order`, which holds items such as indices, in the order of their slices' bytes; equal ones in any order. `start`
 * and `end` say where an item's slice is. At most 2^26 items.
 */
export function sortSlices(order: Uint32Array, bytes: Buffer, start: Bound, end: Bound): void {
  const compare = (a: number, b: number) => bytes.compare(bytes, start(b), end(b), start(a), end(a));
  // Ranges of items that are equal up to a depth; kept here, since a stack of calls has an end.
  const open: { readonly from: number; readonly to: number; readonly depth: number }[] = [
    { from: 0, to: order.length, depth: 0 },
  ];
  for (let range = open.pop(); range !== undefined; range = open.pop()) {
    const { from, to, depth } = range;
    const part = order.subarray(from, to);
    if (part.length <= COMPARED_MAX) {
      order.set([...part].sort(compare), from);
      continue;
    }
    // As many bytes are looked at together as a number holds beside an item's index.
    const width = Math.floor(Math.log(Number.MAX_SAFE_INTEGER / part.length) / Math.log(BASE));
    const keys = sortByDigits(part, bytes, start, end, depth, width);
    const digits = (index: number) => Math.floor((keys[index] as number) / part.length);
    for (let first = 0; first < part.length; ) {
      const digit = digits(first);
      let last = first + 1;
      while (last < part.length && digits(last) === digit) last++;
      // The last digit 0 means that they have ended: they are equal.
      if (last - first > 1 && digit % BASE !== 0)
        open.push({ from: from + first, to: from + last, depth: depth + width });
      first = last;
    }
    freeBytes(keys);
  }
}

/** By the next bytes, and of equal ones by the items' numbers; gives what it sorted by: digits times length plus index. */
function sortByDigits(
  part: Uint32Array,
  bytes: Buffer,
  start: Bound,
  end: Bound,
  depth: number,
  width: number,
): Float64Array {
  const { length } = part;
  const keys = new Float64Array(length);
  for (let index = 0; index < length; index++) {
    const item = part[index] as number;
    const at = start(item) + depth;
    const last = end(item);
    let digits = 0;
    for (let digit = 0; digit < width; digit++)
      digits = BASE * digits + (at + digit < last ? (bytes[at + digit] as number) + 1 : 0);
    keys[index] = digits * length + index;
  }
  keys.sort();
  const before = part.slice();
  for (let index = 0; index < length; index++)
    part[index] = before[(keys[index] as number) % length] as number;
  freeBytes(before);
  return keys;
}
