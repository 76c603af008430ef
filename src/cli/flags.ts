/** Flags that several commands have: `--config`, whole numbers, addresses. */
import { InvalidArgumentError } from "commander";
import { readSome } from "../config.ts";
import { UsageError } from "./errors.ts";

export const CONFIG_FLAG = ["--config <file>", "configuration file (default: POSTERN_CONFIG)"] as const;

/** The file that a command is about: that of `--config`, else of `POSTERN_CONFIG`. */
export function configPath(flag: string | undefined): string | undefined {
  return flag || readSome(["configFile"]).configFile;
}

/** For a command that can do nothing without one. */
export function neededConfigPath(flag: string | undefined): string {
  const path = configPath(flag);
  if (path === undefined) throw new UsageError("which file? Say it by --config FILE or POSTERN_CONFIG");
  return path;
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
