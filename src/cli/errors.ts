/**
 * How a command ends: by an exit code (0 done, 1 it failed, 2 it was asked wrongly), or an error
 * told in one line.
 */

export type Exit = (code: number) => void;

/** A flag, an argument or what it names can't be used: one line and exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The command can't do, or can't finish, what it was asked: one line and exit code 1. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
}
