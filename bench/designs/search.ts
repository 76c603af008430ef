// Indexes that find texts by a part of them: Postern's segments, SQLite's FTS5 with trigrams in two
// forms, and none. All work on the same log, which is attached as `log`, and index the same folded
// texts.

import type { Database } from "bun:sqlite";
import { fold } from "../../src/core/fold.ts";
import { SegmentReader, SegmentWriter } from "../../src/search/search.ts";
import { INDEX_LIMITS } from "../../src/storage/sqlite/derived/followers.ts";
import {
  INDEXED_COLUMNS,
  type IndexedColumns,
  indexedRows,
} from "../../src/storage/sqlite/derived/search-index.ts";

export type SearchIndex = {
  /** Takes the rows after `after`, up to `last`, in transactions of its own. */
  take: (after: number, last: number) => void;
  /** How many texts hold the folded `q`; null where the design can't tell. */
  count: (q: string) => number | null;
};

export type SearchDesign = {
  name: string;
  what: string;
  /** Which of the file's tables and indexes are its own. */
  owns: (table: string) => boolean;
  /** In an index file of Postern's, empty so far. */
  open: (db: Database) => SearchIndex;
};

/** FTS5 can't look for less. */
const trigram = 3;

export const searchDesigns: SearchDesign[] = [
  {
    name: "segments",
    what: "Postern's own, `src/search`: a dictionary of pieces of words",
    owns: (table) => /(segments|blocks|postings)(_1)?$/.test(table),
    open: openSegments,
  },
  {
    name: "fts5",
    what: "FTS5's trigram tokenizer, contentless, with positions (`detail=full`): a phrase of trigrams is exact",
    owns: (table) => table.startsWith("fts"),
    open: (db) => openFts5(db, "full"),
  },
  {
    name: "fts5 without positions",
    what: "the same with `detail=none`: rows that have all trigrams are looked up, and their texts decide",
    owns: (table) => table.startsWith("fts"),
    open: (db) => openFts5(db, "none"),
  },
  {
    name: "instr scan",
    what: "no index: SQLite looks into every text (`instr(lower(text), ?)`, which folds ASCII alone)",
    owns: () => false,
    open: openScan,
  },
];

function openSegments(db: Database): SearchIndex {
  const [writer, reader] = [new SegmentWriter(db, INDEX_LIMITS), new SegmentReader(db)];
  const rows = db.query<IndexedColumns, [number, number]>(INDEXED_COLUMNS);
  return {
    take(after, last) {
      const columns = rows.values(after + 1, last) as unknown as IndexedColumns[];
      db.transaction(() => writer.add(after + 1, indexedRows(columns, true)))();
      db.transaction(() => writer.merge())();
    },
    count(q) {
      const found = reader.find({ text: q }, () => {});
      if (!found.exact) throw new Error(`'${q}' is a phrase, whose rows have to be looked at`);
      return found.count;
    },
  };
}

function openFts5(db: Database, detail: "full" | "none"): SearchIndex {
  db.run(
    `create virtual table fts using fts5(text, content='', detail=${detail}, tokenize='trigram case_sensitive 1')`,
  );
  const rows = db.query<{ row: number; text: string }, [number, number]>(
    "select rowid as row, text from log.messages where rowid > ? and rowid <= ? order by rowid",
  );
  const insert = db.query("insert into fts (rowid, text) values (?, ?)");
  const matches = db.query<{ n: number }, [string]>("select count(*) as n from fts where fts match ?");
  const candidates = db.query<{ text: string }, [string]>(
    "select text from log.messages where rowid in (select rowid from fts where fts match ?)",
  );
  return {
    take: db.transaction((after: number, last: number) => {
      for (const { row, text } of rows.iterate(after, last)) insert.run(row, fold(text));
    }),
    count(q) {
      if ([...q].length < trigram) return null;
      if (detail === "full") return matches.get(quoted(q))?.n ?? 0;
      const texts = candidates.iterate(trigramsOf(q).map(quoted).join(" AND "));
      let found = 0;
      for (const { text } of texts) if (fold(text).includes(q)) found++;
      return found;
    },
  };
}

function trigramsOf(q: string): string[] {
  const characters = [...q];
  return characters
    .slice(0, 1 - trigram)
    .map((_, start) => characters.slice(start, start + trigram).join(""));
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

function openScan(db: Database): SearchIndex {
  const scan = db.query<{ n: number }, [string]>(
    "select count(*) as n from log.messages where instr(lower(text), ?) > 0",
  );
  return { take: () => {}, count: (q) => scan.get(q)?.n ?? 0 };
}
