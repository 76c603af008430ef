/**
 * The structure that docs/architecture.md describes, held to: floors, cycles, and who may touch the
 * outside world.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { settingsTable } from "../scripts/settings-table.ts";

const ROOT = resolve(import.meta.dir, "..");
const SRC = join(ROOT, "src");
const LINES_MAX = 500;
const COMMENT_COLUMNS_MAX = 100;
const PROSE_COLUMNS_MAX = 120;

/** What the composition root and the commands are made of. */
const PARTS = [
  ...["config-file", "config", "http", "features", "follow", "sources"],
  ...["storage", "search", "observe", "core", "lib", "version"],
];
/** Which floors a floor may import; its own folder goes without saying, except among features. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  main: ["cli"],
  cli: ["serve", ...PARTS],
  serve: PARTS,
  "config-file": ["sources", "follow", "config", "core", "lib"],
  http: ["sources", "observe", "core", "lib"],
  features: ["observe", "core", "lib"],
  follow: ["observe", "core", "lib"],
  // It knows the API, and nothing of what answers it.
  ui: [],
  sources: ["core", "lib"],
  storage: ["search", "observe", "core", "lib"],
  search: ["lib"],
  config: ["observe", "core", "lib"],
  observe: ["core", "lib"],
  core: ["lib"],
  lib: [],
  version: [],
};

const STATUS = /^Status: (?:accepted|replaced by \d{4}|superseded in part by \d{4}(?: and \d{4})*)\.$/;

const ENGINES = ["sqlite", "postgres"];
/** An engine's rooms, from the top. */
const ROOMS = ["maintenance", "reads", "derived", "ingest", "connection"];

function engineOf(path: string): string | undefined {
  return ENGINES.find((engine) => path.startsWith(`storage/${engine}/`));
}

interface Module {
  /** Relative to `src`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

/** Ours, relative to the root: what a benchmark has installed isn't. */
function filesBelow(folder: string): string[] {
  return (readdirSync(join(ROOT, folder), { recursive: true }) as string[])
    .filter((path) => !path.includes("node_modules"))
    .map((path) => join(folder, path));
}

/** Every file of TypeScript. */
const files: readonly Module[] = ["src", "tests", "bench", "scripts"]
  .flatMap(filesBelow)
  .filter((path) => /\.tsx?$/.test(path) && path !== "src/ui/api-types.d.ts")
  .map((path) => readModule(relative(SRC, join(ROOT, path))));
/** What is shipped. */
const modules = files.filter(({ path }) => !path.startsWith("..") && !/\.test\.tsx?$/.test(path));

function readModule(path: string): Module {
  const text = readFileSync(join(SRC, path), "utf8");
  const found = [...text.matchAll(/(?:from|import|new URL\()\s*\(?["'](\.[^"']+\.tsx?)["']/g)].map(
    (match) => match[1] ?? "",
  );
  return { path, text, imports: found.map((name) => relative(SRC, resolve(SRC, dirname(path), name))) };
}

/** Lines that are too long, as `file:line`; one that holds a single word can't be cut. */
function longLines(path: string, lines: readonly string[], columnsMax: number): string[] {
  return lines.flatMap((line, index) =>
    line.length > columnsMax && /\S\s+\S/.test(line.replace(/^\s*(?:\/\/|\/?\*+|[-*>])/, ""))
      ? [`${path}:${index + 1}`]
      : [],
  );
}

/** With empty lines for those of code blocks and tables, which can't be wrapped. */
function proseOf(markdown: string): string[] {
  let fenced = false;
  return markdown.split("\n").map((line) => {
    const fence = /^\s*(?:```|~~~)/.test(line);
    if (fence) fenced = !fenced;
    return fence || fenced || /^\s*\|/.test(line) ? "" : line;
  });
}

const EXPORT = /^export (?:abstract |async )*(?:const|let|function\*?|class|interface|type) (\w+)/gm;
/** The names that are imported or passed on, then from where. */
const IMPORTS =
  /(?:import|export|const) (?:type )?\{([^}]*)\} (?:from |= await import\()["'](\.[^"']+\.tsx?)["']/g;

/** As `file: name`. */
function importedNames({ path, text }: Module): string[] {
  return [...text.matchAll(IMPORTS)].flatMap(([, names = "", from = ""]) => {
    const target = relative(SRC, resolve(SRC, dirname(path), from));
    return names.split(",").map(
      (name) =>
        `${target}: ${
          name
            .trim()
            .replace(/^type /, "")
            .split(" as ")[0]
        }`,
    );
  });
}

function floorOf(path: string): string {
  return path.split("/")[0]?.replace(/\.ts$/, "") ?? "";
}

/** Files, apart from the allowed ones, in which the pattern occurs outside comments. */
function filesWith(pattern: RegExp, allowed: readonly string[]): string[] {
  return modules
    .filter(
      ({ path, text }) =>
        !allowed.includes(path) && pattern.test(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "")),
    )
    .map(({ path }) => path);
}

describe("the structure", () => {
  test("imports point down only", () => {
    const wrong = modules.flatMap(({ path, imports }) =>
      imports
        .filter((target) => floorOf(target) !== floorOf(path))
        .filter((target) => !MAY_IMPORT[floorOf(path)]?.includes(floorOf(target)))
        .map((target) => `${path} → ${target}`),
    );
    expect(wrong).toEqual([]);
    expect(modules.length).toBeGreaterThan(40);
    expect(modules.flatMap(({ imports }) => imports).length).toBeGreaterThan(100);
  });

  test.each(["features", "follow"])("no part of %s imports another", (floor) => {
    // What all parts share stands beside their folders.
    const partOf = (path: string) => (path.split("/").length > 2 ? path.split("/")[1] : undefined);
    const wrong = modules
      .filter(({ path }) => path.startsWith(`${floor}/`))
      .flatMap(({ path, imports }) =>
        imports
          .filter((target) => target.startsWith(`${floor}/`) && partOf(target) !== undefined)
          .filter((target) => partOf(target) !== partOf(path))
          .map((target) => `${path} → ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  test("of a package others import its entry alone", () => {
    const wrong = modules.flatMap(({ path, imports }) =>
      imports
        .filter((target) => floorOf(target) === "search" && target !== "search/search.ts")
        .filter(() => floorOf(path) !== "search")
        .map((target) => `${path} → ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test("there is no cycle of imports", () => {
    const byPath = new Map(modules.map((module) => [module.path, module]));
    const finished = new Set<string>();
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) throw new Error(`cycle: ${[...trail, path].join(" → ")}`);
      if (finished.has(path)) return;
      for (const target of byPath.get(path)?.imports ?? []) visit(target, [...trail, path]);
      finished.add(path);
    };
    for (const { path } of modules) visit(path, []);
    expect(finished.size).toBeGreaterThanOrEqual(modules.length);
  });

  test("only storage/open.ts names an engine, and no engine another", () => {
    const wrong = modules.flatMap(({ path, imports }) =>
      imports
        .filter((target) => engineOf(target) !== undefined && engineOf(target) !== engineOf(path))
        .filter(() => path !== "storage/open.ts")
        .map((target) => `${path} → ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test("every engine has the same rooms with the same entries, and nothing beside them but its store", () => {
    for (const engine of ENGINES) {
      const entries = readdirSync(join(SRC, "storage", engine), { withFileTypes: true });
      const rooms = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
      const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
      expect(rooms.toSorted(), engine).toEqual(ROOMS.toSorted());
      expect(files, engine).toEqual(["store.ts"]);
      expect(readdirSync(join(SRC, "storage", engine, "maintenance")), engine).toContain("maintenance.ts");
    }
  });

  test("within an engine imports point down from room to room", () => {
    const floor = (path: string) => ["store.ts", ...ROOMS].indexOf(path.split("/")[2] ?? "");
    const inside = modules.filter(({ path }) => engineOf(path) !== undefined);
    const wrong = inside.flatMap(({ path, imports }) =>
      imports
        .filter((target) => engineOf(target) !== undefined && floor(target) < floor(path))
        .map((target) => `${path} → ${target}`),
    );
    expect(wrong).toEqual([]);
    expect(inside.length).toBeGreaterThan(40);
  });

  test("a broker's library is loaded by whoever connects to one, and by nobody else", () => {
    const library = /^import (?!type )[^;]*? from "(?:rabbitmq-client|@nats-io\/[a-z-]+)"/m;
    expect(filesWith(library, [])).toEqual([]);
    expect(filesWith(/await import\("rabbitmq-client"\)/, [])).toEqual(["follow/deliver/amqp-sink.ts"]);
  });

  test("the environment is read in config.ts alone", () => {
    expect(filesWith(/process\.env|Bun\.env|import\.meta\.env/, ["config.ts"])).toEqual([]);
  });

  test("the clock is read in one file alone, and in another by the dashboard", () => {
    const clocks = ["lib/clock.ts", "ui/clock.ts"];
    expect(filesWith(/Date\.now|new Date\(\)|performance\.now|hrtime/, clocks)).toEqual([]);
  });

  test("chance comes from lib/chance.ts alone", () => {
    expect(filesWith(/Math\.random|randomUUID|getRandomValues|randomBytes/, ["lib/chance.ts"])).toEqual([]);
  });

  test("files are named in kebab-case and stay short", () => {
    const long = modules.filter(
      ({ path, text }) => path !== "core/fold-table.ts" && text.split("\n").length > LINES_MAX,
    );
    expect(long.map(({ path }) => path)).toEqual([]);
    expect(
      modules.filter(({ path }) => !/^([a-z0-9-]+\/)*[a-z0-9-]+\.tsx?$/.test(path)).map(({ path }) => path),
    ).toEqual([]);
  });

  test("whatever is exported is imported by another file, a test at least", () => {
    const used = new Set(files.flatMap(importedNames));
    const unused = files
      .filter(({ path }) => !path.startsWith("../scripts/"))
      .flatMap(({ path, text }) =>
        [...text.matchAll(EXPORT)].map(([, name]) => `${path}: ${name}`).filter((name) => !used.has(name)),
      );
    expect(unused).toEqual([]);
    expect(used.size).toBeGreaterThan(700);
  });

  test("exports have names", () => {
    expect(filesWith(/export default|export \{[^}]*\bas default\b/, [])).toEqual([]);
  });

  test("every file opens with what it is", () => {
    expect(modules.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

test("no comment is wider than a comment may be", () => {
  const comment = /^\s*(?:\/\/|\/\*|\* )|\s\/\/ /;
  const wide = files.flatMap(({ path, text }) => {
    const lines = text.split("\n").map((line) => (comment.test(line) ? line : ""));
    return longLines(path, lines, COMMENT_COLUMNS_MAX);
  });
  expect(wide).toEqual([]);
});

test("no prose is wider than prose may be", () => {
  const folders = ["docs", "src", "bench"].flatMap(filesBelow);
  const pages = [...readdirSync(ROOT), ...folders].filter((path) => path.endsWith(".md"));
  const wide = pages.flatMap((path) =>
    longLines(path, proseOf(readFileSync(join(ROOT, path), "utf8")), PROSE_COLUMNS_MAX),
  );
  expect(wide).toEqual([]);
  expect(pages.length).toBeGreaterThan(35);
});

test("every decision says below its title whether it holds, and which others replaced it", () => {
  const folder = join(ROOT, "docs", "decisions");
  const decisions = readdirSync(folder).toSorted();
  const numbers = decisions.map((name) => name.slice(0, 4));
  const wrong = decisions.filter((name) => {
    const [title = "", , status = ""] = readFileSync(join(folder, name), "utf8").split("\n");
    const others = status.match(/\d{4}/g) ?? [];
    const titled = title.startsWith(`# ${Number(name.slice(0, 4))}. `);
    return !(titled && STATUS.test(status) && others.every((number) => numbers.includes(number)));
  });
  expect(wrong).toEqual([]);
  expect(new Set(numbers).size).toBe(decisions.length);
  expect(decisions.length).toBeGreaterThanOrEqual(19);
});

test("the table of docs/settings.md is the program's", () => {
  const page = readFileSync(join(ROOT, "docs", "settings.md"), "utf8");
  const table = /<!-- settings -->\n([\s\S]*?)\n<!-- \/settings -->/.exec(page)?.[1];
  expect(table?.trim()).toBe(settingsTable().trim());
});
