/** Which configuration file a command is about: `--config`, else `POSTERN_CONFIG`. */
import { readSome } from "../config.ts";
import { UsageError } from "./errors.ts";

export const CONFIG_FLAG = ["--config <file>", "configuration file (default: POSTERN_CONFIG)"] as const;

export function configPath(flag: string | undefined): string | undefined {
  return flag || readSome(["configFile"]).configFile;
}

/** For a command that can do nothing without one. */
export function neededConfigPath(flag: string | undefined): string {
  const path = configPath(flag);
  if (path === undefined) throw new UsageError("which file? Say it by --config FILE or POSTERN_CONFIG");
  return path;
}
