/** Comparison whose time tells nothing about the content; the length is no secret. */
import { timingSafeEqual } from "node:crypto";

const utf8 = new TextEncoder();

/** A text with half a surrogate pair has no bytes of its own, and so is equal to none. */
export function equalInConstantTime(a: string, b: string): boolean {
  if (a.length !== b.length || !a.isWellFormed() || !b.isWellFormed()) return false;
  const [bytes, others] = [utf8.encode(a), utf8.encode(b)];
  return bytes.length === others.length && timingSafeEqual(bytes, others);
}
