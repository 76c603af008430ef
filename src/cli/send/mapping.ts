/** From rows to messages: which template or column each field of the native source comes from. */
import { isInstant } from "../../core/instant.ts";
import { UsageError } from "../errors.ts";
import { parseTemplate, type Row, type Template, UnfitRow } from "./template.ts";

const FIELDS = ["message_id", "from", "to", "ts", "text"] as const;
type Field = (typeof FIELDS)[number];

/** The years 0001 to 9999. */
const TIME_MS_MIN = -62_135_596_800_000;
const TIME_MS_MAX = 253_402_300_799_999;

export interface Mapping {
  /** Whether any field is mapped. */
  readonly given: boolean;
  /** Throws `UsageError` when rows with these columns can't become messages. */
  readonly checkColumns: (columns: readonly string[]) => void;
  /** The message of a row, as JSON; throws `UnfitRow`. */
  readonly bodyOf: (number: number, column: Row["column"]) => string;
}

interface MappingFlags {
  readonly map?: readonly string[];
  readonly start?: string;
  readonly step: number;
}

/** Reads `--map`, `--start` and `--step`; throws `UsageError`. */
export function parseMapping({ map = [], start, step }: MappingFlags): Mapping {
  if (start !== undefined && !isInstant(start)) {
    throw new UsageError(`--start ${start}: it takes an instant such as 2025-01-15T10:00:00Z`);
  }
  const startMs = start === undefined ? undefined : Date.parse(start);
  const templates = new Map<Field, Template>();
  for (const text of map) {
    const [field, template] = parseEntry(text, start !== undefined);
    if (templates.has(field)) throw new UsageError(`--map ${field} is given twice`);
    templates.set(field, template);
  }
  return {
    given: templates.size > 0,
    checkColumns: (columns) => checkColumns(templates, columns),
    bodyOf: (number, column) => {
      const time = startMs === undefined ? undefined : timeOf(startMs + (number - 1) * step * 1000);
      const row: Row = { number, time, column };
      const message: Partial<Record<Field, string>> = {};
      for (const field of FIELDS) {
        const template = templates.get(field);
        const value = template === undefined ? column(field) : template.fill(row);
        if (value !== undefined && value !== null) message[field] = value;
      }
      return JSON.stringify(message);
    },
  };
}

function parseEntry(text: string, timed: boolean): [Field, Template] {
  const equals = text.indexOf("=");
  const field = FIELDS.find((name) => name === text.slice(0, equals));
  if (field === undefined) {
    throw new UsageError(`--map ${text}: it takes FIELD=TEMPLATE, FIELD being one of ${FIELDS.join(", ")}`);
  }
  return [field, parseTemplate(text.slice(equals + 1), timed)];
}

function checkColumns(templates: ReadonlyMap<Field, Template>, columns: readonly string[]): void {
  const there = `the columns are ${columns.map((name) => JSON.stringify(name)).join(", ")}`;
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageError(`the column ${JSON.stringify(twice)} is there twice`);
  for (const [field, template] of templates) {
    const missing = template.columns.find((name) => !columns.includes(name));
    if (missing === undefined) continue;
    const hint = missing === "time" ? " (the built-in {time} wants --start)" : "";
    throw new UsageError(`--map ${field}: there is no column ${JSON.stringify(missing)}${hint}; ${there}`);
  }
  const unfilled = FIELDS.filter(
    (field) => field !== "text" && !templates.has(field) && !columns.includes(field),
  );
  if (unfilled.length > 0) {
    throw new UsageError(`nothing says where ${unfilled.join(", ")} comes from: add --map; ${there}`);
  }
}

/** Milliseconds are only written when there are any. */
function timeOf(ms: number): string {
  if (ms < TIME_MS_MIN || ms > TIME_MS_MAX) throw new UnfitRow("{time} is outside the years 0001 to 9999");
  return new Date(Math.round(ms)).toISOString().replace(".000Z", "Z");
}
