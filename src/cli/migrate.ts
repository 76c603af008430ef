/** `postern migrate`: everything from a SQLite database into a PostgreSQL one. */
import type { Command } from "commander";
import { readSome } from "../config.ts";
import { type DatabaseUrl, parseDatabaseUrl } from "../core/database-url.ts";
import type { Exit } from "./errors.ts";
import { UsageError } from "./errors.ts";

const SQLITE = "SQLite database: it takes sqlite:////absolute/path.db or sqlite:///relative/path.db";
const POSTGRES = "PostgreSQL database: it takes postgres://user:password@host:port/database";

interface MigrateFlags {
  readonly from: string;
  readonly to?: string;
  readonly verify: boolean;
}

export function addMigrate(program: Command, exit: Exit): void {
  program
    .command("migrate")
    .summary("move everything from SQLite to PostgreSQL")
    .description(
      "Copy everything from a SQLite database into an empty PostgreSQL database, numbers and times included, and compare " +
        "both. It only reads the SQLite database and works beside its server. Once that is stopped, the same command " +
        "copies what has come since and says that it is complete: then start Postern on PostgreSQL.",
    )
    .requiredOption(
      "--from <url>",
      "the SQLite database: sqlite:////absolute/path.db or sqlite:///relative/path.db",
    )
    .option(
      "--to <url>",
      "the PostgreSQL database: postgres://user:password@host:port/database (default: DATABASE_URL, which no other user of the machine sees)",
    )
    .option("--no-verify", "don't read both databases to compare them")
    .addHelpText(
      "after",
      "\nExamples:\n  $ postern migrate --from sqlite:////data/postern.db --to postgres://postern:secret@db:5432/postern" +
        "\n  $ DATABASE_URL=postgres://postern:secret@db:5432/postern postern migrate --from sqlite:////data/postern.db",
    )
    .action(async (flags: MigrateFlags) => {
      const from = { url: given("--from", flags.from, SQLITE), name: "--from" };
      const to =
        flags.to === undefined
          ? { url: readSome(["databaseUrl"]).databaseUrl, name: "without --to, DATABASE_URL" }
          : { url: given("--to", flags.to, POSTGRES), name: "--to" };
      const { migrateDatabase } = await import("./migrate-database.ts");
      exit(await migrateDatabase({ from, to }, flags));
    });
}

function given(flag: string, text: string, takes: string): DatabaseUrl {
  const url = parseDatabaseUrl(text);
  if (url !== undefined) return url;
  throw new UsageError(`${flag} is no URL of a ${takes}`);
}
