/**
 * The order of texts by their UTF-8 bytes, which is the order of their code points and not of
 * UTF-16 units.
 */

const SURROGATES = 0xd800;
const AFTER_SURROGATES = 0xe000;

/** Compares two well-formed texts as their UTF-8 bytes compare: negative, zero or positive. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return weight(left) - weight(right);
  }
  return a.length - b.length;
}

/** A surrogate stands for a code point beyond U+FFFF: it comes after every other unit. */
function weight(unit: number): number {
  return unit >= SURROGATES && unit < AFTER_SURROGATES ? unit + 0x10000 : unit;
}
