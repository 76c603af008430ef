/** From an input to bodies to post, one at a time: the formats that `send` reads. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parse } from "csv-parse";
import { CommandFailed, UsageError } from "../errors.ts";
import { type Input, isBlank, type Line, linesOf } from "../input.ts";
import type { Format } from "./flags.ts";
import type { Mapping } from "./mapping.ts";
import { UnfitRow } from "./template.ts";

const RECORD_BYTES_MAX = 8 * 1024 * 1024;
const TAB = "\t";

/**
 * A body to post, or why the row gives none; its label is what people are told of it, such as
 * `row 3`.
 */
type Row = { readonly label: string } & (
  | { readonly body: string | Uint8Array }
  | { readonly problem: string }
);

/** With how much of the input it takes. */
export type Post = Row & { readonly bytes: number };

/**
 * Every body of an input. Throws `UsageError` when its columns don't fit, `CommandFailed` where it
 * can't go on.
 */
export function postsOf(input: Input, format: Format, mapping: Mapping): AsyncGenerator<Post> {
  switch (format) {
    case "ndjson":
      return jsonPosts(input, mapping);
    case "csv":
      return tablePosts(csvRows(input), mapping);
    case "tsv":
      return tablePosts(tsvRows(input), mapping);
  }
}

/** Without a mapping each line is posted byte for byte. */
async function* jsonPosts(input: Input, mapping: Mapping): AsyncGenerator<Post> {
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  let number = 0;
  for await (const lines of linesOf(input.chunks, RECORD_BYTES_MAX)) {
    for (const line of lines) {
      const label = `line ${line.number}`;
      const bytes = lineBytes(line);
      if (line.bytes === undefined) {
        yield { label, bytes, problem: `it is longer than ${RECORD_BYTES_MAX} bytes` };
      } else if (!isBlank(line.bytes)) {
        number++;
        yield mapping.given
          ? { bytes, ...mapped(label, number, mapping, jsonColumns(line.bytes, utf8)) }
          : { label, bytes, body: line.bytes };
      }
    }
  }
}

/** A string says why there is no row. */
interface TableRow {
  readonly row: readonly string[] | string;
  readonly bytes: number;
}

async function* tablePosts(rows: AsyncIterable<TableRow>, mapping: Mapping): AsyncGenerator<Post> {
  let indexes: ReadonlyMap<string, number> | undefined;
  let number = 0;
  for await (const { row, bytes } of rows) {
    if (indexes === undefined) {
      if (typeof row === "string") throw new UsageError(`the header line can't be read: ${row}`);
      mapping.checkColumns(row);
      indexes = new Map(row.map((name, index) => [name, index]));
      continue;
    }
    const label = `row ${++number}`;
    yield { bytes, ...mapped(label, number, mapping, tableColumns(row, indexes)) };
  }
  if (indexes === undefined)
    throw new UsageError("the input is empty: it takes a header line that names the columns");
}

type Columns = ((name: string) => string | null | undefined) | string;

function mapped(label: string, number: number, mapping: Mapping, columns: Columns): Row {
  if (typeof columns === "string") return { label, problem: columns };
  try {
    return { label, body: mapping.bodyOf(number, columns) };
  } catch (error) {
    if (error instanceof UnfitRow) return { label, problem: error.message };
    throw error;
  }
}

function tableColumns(row: readonly string[] | string, indexes: ReadonlyMap<string, number>): Columns {
  if (typeof row === "string") return row;
  if (row.length !== indexes.size) return `it has ${row.length} columns, the header has ${indexes.size}`;
  return (name) => row[indexes.get(name) ?? -1];
}

/** Values that are no text are taken as JSON writes them. */
function jsonColumns(line: Uint8Array, utf8: TextDecoder): Columns {
  let record: unknown;
  try {
    record = JSON.parse(utf8.decode(line));
  } catch {
    return "it is no valid JSON in UTF-8";
  }
  if (typeof record !== "object" || record === null || Array.isArray(record)) return "it is no JSON object";
  const values = new Map<string, unknown>(Object.entries(record));
  return (name) => {
    const value = values.get(name);
    return value === undefined || value === null || typeof value === "string" ? value : JSON.stringify(value);
  };
}

/** Tab-separated lines without any quoting: what stands between two tabs is the text. */
async function* tsvRows(input: Input): AsyncGenerator<TableRow> {
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for await (const lines of linesOf(input.chunks, RECORD_BYTES_MAX)) {
    for (const line of lines) {
      const text = line.bytes;
      const bytes = lineBytes(line);
      if (text === undefined) yield { row: `it is longer than ${RECORD_BYTES_MAX} bytes`, bytes };
      else if (text.length > 0 && !(text.length === 1 && text[0] === 13))
        yield { row: tsvRow(text, utf8, line.number === 1), bytes };
    }
  }
}

function tsvRow(bytes: Uint8Array, utf8: TextDecoder, first: boolean): readonly string[] | string {
  try {
    const text = utf8.decode(bytes).replace(/\r$/, "");
    return (first ? text.replace(/^\ufeff/, "") : text).split(TAB);
  } catch {
    return "it is no valid UTF-8";
  }
}

interface CsvRow {
  readonly record: readonly string[];
  readonly info: { readonly bytes: number };
}

/** Comma-separated with the quoting of RFC 4180. */
async function* csvRows(input: Input): AsyncGenerator<TableRow> {
  const parser = parse({
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: RECORD_BYTES_MAX,
  });
  const fed = pipeline(Readable.from(decoded(input.chunks)), parser);
  // Told once more, and better, by the loop below.
  fed.catch(() => undefined);
  let before = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<CsvRow>) {
      yield { row: record, bytes: info.bytes - before };
      before = info.bytes;
    }
  } catch (error) {
    throw new CommandFailed(`the CSV can't be read: ${(error as Error).message}`, { cause: error });
  }
}

async function* decoded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  for await (const chunk of chunks) yield utf8.decode(chunk, { stream: true });
  yield utf8.decode();
}

/** With its line feed; nothing is known of one that is too long. */
function lineBytes({ bytes }: Line): number {
  return bytes === undefined ? 0 : bytes.length + 1;
}
