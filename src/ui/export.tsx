/** Writes what is filtered to a file, page by page, by the cursor. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { count } from "./format.ts";
import { Icon } from "./icon.tsx";
import { Menu } from "./menu.tsx";

type Format = "csv" | "ndjson";
const FORMATS: readonly Format[] = ["csv", "ndjson"];
const PAGE_ROWS = 100;

interface ExportProps<Row extends object> {
  /** Of the file. */
  readonly name: string;
  /** Of CSV; NDJSON has a row as the API gives it. */
  readonly columns: readonly (keyof Row & string)[];
  /** In words. */
  readonly titles: Readonly<Record<Format, string>>;
  readonly total: number | undefined;
  readonly read: (
    query: { readonly limit: number; readonly cursor?: string },
    signal: AbortSignal,
  ) => Promise<{ readonly answer: { readonly data: readonly Row[] }; readonly cursor: string | undefined }>;
  /** Whether the service left out parts of a page that it gives of fewer rows. */
  readonly lacksParts?: (rows: readonly Row[]) => boolean;
}

export function Export<Row extends object>(props: ExportProps<Row>) {
  const { name, titles, total } = props;
  const running = useSignal<AbortController | undefined>(undefined);
  const done = useSignal(0);
  const problem = useSignal("");
  useEffect(() => () => running.value?.abort(), []);
  const run = async (format: Format) => {
    const abort = new AbortController();
    running.value = abort;
    done.value = 0;
    problem.value = "";
    try {
      save(
        await written(props, format, abort.signal, (rows) => {
          done.value += rows;
        }),
        `${name}.${format}`,
      );
    } catch (error) {
      if (!abort.signal.aborted) problem.value = error instanceof Error ? error.message : String(error);
    }
    running.value = undefined;
  };
  if (running.value !== undefined)
    return (
      <span class="export-progress" role="status">
        {count(done.value)} of {count(total ?? 0)}
        <button type="button" class="link" onClick={() => running.value?.abort()}>
          Stop
        </button>
      </span>
    );
  return (
    <Menu
      title={problem.value || "Export what is filtered"}
      label={
        <>
          <Icon name="down" />{" "}
          <span class="wide-only">{problem.value === "" ? "Export" : "Export failed"}</span>
        </>
      }
    >
      {(close) =>
        FORMATS.map((format) => (
          <button
            key={format}
            type="button"
            class="choice"
            onClick={() => {
              close();
              void run(format);
            }}
          >
            {titles[format]}
          </button>
        ))
      }
    </Menu>
  );
}

/** A blob is kept by the browser, on disk where it is large, and never as a whole in the page. */
async function written<Row extends object>(
  { columns, read, lacksParts }: ExportProps<Row>,
  format: Format,
  signal: AbortSignal,
  told: (rows: number) => void,
): Promise<Blob> {
  const isCsv = format === "csv";
  const type = isCsv ? "text/csv" : "application/x-ndjson";
  const line = (row: Row) =>
    isCsv ? csvLine(columns.map((name) => String(row[name] ?? ""))) : `${JSON.stringify(row)}\n`;
  let blob = new Blob(isCsv ? [BYTE_ORDER_MARK, csvLine(columns)] : [], { type });
  let after: string | undefined;
  let limit = PAGE_ROWS;
  do {
    const { answer, cursor } = await read({ limit, ...(after !== undefined && { cursor: after }) }, signal);
    if (!isCsv && limit > 1 && lacksParts?.(answer.data)) {
      limit = Math.ceil(limit / 10);
      continue;
    }
    limit = PAGE_ROWS;
    blob = new Blob([blob, answer.data.map(line).join("")], { type });
    told(answer.data.length);
    after = cursor;
  } while (after !== undefined || limit < PAGE_ROWS);
  return blob;
}

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** As in RFC 4180, for spreadsheets: these take UTF-8 for something else without this mark. */
const BYTE_ORDER_MARK = "\ufeff";
/** By what they take a text for a formula, which a stranger could have sent. A number is none. */
const FORMULA = /^[=+\-@\t\r＝＋－＠](?!\d+$)/;

function csvLine(fields: readonly string[]): string {
  return `${fields.map(quoted).join(",")}\r\n`;
}

function quoted(given: string): string {
  const text = FORMULA.test(given) ? `'${given}` : given;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
