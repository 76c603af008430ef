/** Errors that a command explains in one line, and the readers of flags that throw them. */
import { InvalidArgumentError } from "commander";

/** A flag, an argument or what it names can't be used: one line and exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The command can't do, or can't finish, what it was asked: one line and exit code 1. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
}

/** A reader of whole numbers from `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It takes a whole number from ${min} to ${max}.`);
  };
}

/** Reads an `http://` or `https://` address. */
export function httpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new InvalidArgumentError("It takes an http:// or https:// address.");
}
