/** `postern migrate`: everything from a SQLite database into a PostgreSQL one. */
import type { Command } from "commander";
import { readSome } from "../config.ts";
import {
  type DatabaseUrl,
  type PostgresUrl,
  parseDatabaseUrl,
  type SqliteUrl,
} from "../core/database-url.ts";
import type { Exit } from "./errors.ts";
import { UsageError } from "./errors.ts";

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
      const from = sourceOf(flags.from);
      const to = targetOf(flags.to);
      const { migrateDatabase } = await import("./migrate-database.ts");
      exit(await migrateDatabase(from, to, flags));
    });
}

function sourceOf(text: string): SqliteUrl {
  const url = parseDatabaseUrl(text);
  if (url?.engine === "sqlite") return url;
  throw new UsageError(
    url === undefined
      ? "--from is no URL of a SQLite database: it takes sqlite:////absolute/path.db or sqlite:///relative/path.db"
      : "--from names a PostgreSQL server: migrate goes from SQLite to PostgreSQL (back again: export, then import)",
  );
}

function targetOf(text: string | undefined): PostgresUrl {
  const url: DatabaseUrl | undefined =
    text === undefined ? readSome(["databaseUrl"]).databaseUrl : parseDatabaseUrl(text);
  if (url?.engine === "postgres") return url;
  const name = text === undefined ? "without --to, DATABASE_URL" : "--to";
  throw new UsageError(
    url === undefined
      ? `${name} is no URL of a PostgreSQL database: it takes postgres://user:password@host:port/database`
      : `${name} names a SQLite file: migrate goes to PostgreSQL`,
  );
}
