/** Flags that several commands have: `--config`, whole numbers, addresses, instants, kinds. */
import { InvalidArgumentError } from "commander";
import { readSome } from "../config.ts";
import { RECORD_KINDS, type RecordKind } from "../core/changes.ts";
import { isInstant } from "../core/instant.ts";
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

/** Reads an instant in the grammar of `ts`. */
export function instant(text: string): string {
  if (isInstant(text)) return text;
  throw new InvalidArgumentError("It takes an instant such as 2025-01-15T10:00:00Z.");
}

/** Reads kinds of records with commas between them, or `all`. */
export function kinds(text: string): readonly RecordKind[] {
  if (text === "all") return RECORD_KINDS;
  return text.split(",").map((name) => {
    const kind = RECORD_KINDS.find((each) => each === name);
    if (kind !== undefined) return kind;
    throw new InvalidArgumentError(
      `It takes all, or some of ${RECORD_KINDS.join(",")} with commas between them.`,
    );
  });
}

/** What flags ask of the log, in the words of its routes. */
export interface LogFilter {
  readonly kinds?: readonly RecordKind[];
  /** The name of a source; `native` for messages of `POST /webhook`. */
  readonly source?: string;
  readonly from?: string;
  readonly to?: string;
}

/** Without the other flags of a command. */
export function filterOf({ kinds, source, from, to }: LogFilter): LogFilter {
  return {
    ...(kinds !== undefined && { kinds }),
    ...(source !== undefined && { source }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  };
}
