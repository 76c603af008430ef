/** Whether a reader of the documentation finds every page, and what a link promises. */
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../..");
/** Ours, relative to the root. */
const PAGES = [
  ...readdirSync(ROOT),
  ...["docs", "src", "bench", "tests"].flatMap((folder) =>
    (readdirSync(join(ROOT, folder), { recursive: true }) as string[]).map((path) => join(folder, path)),
  ),
].filter((path) => path.endsWith(".md") && !path.includes("node_modules"));
const TEXTS = new Map(PAGES.map((path) => [path, readFileSync(join(ROOT, path), "utf8")]));

interface Link {
  readonly from: string;
  /** As it is written. */
  readonly target: string;
  /** Relative to the root. */
  readonly path: string;
  readonly anchor: string;
}

/** Without blocks of code, in which brackets are something else. */
function proseOf(page: string): string {
  return (TEXTS.get(page) ?? "").replace(/^ *```[\s\S]*?^ *```$/gm, "");
}

function linksOf(page: string): Link[] {
  const prose = proseOf(page).replace(/`[^`\n]*`/g, "``");
  const targets = [
    ...prose.matchAll(/\]\(<?([^)\s>]+)>?\)/g),
    ...prose.matchAll(/^\[[^\]]+\]: (\S+)$/gm),
    ...prose.matchAll(/\b(?:src|srcset|href)="([^"]+)"/g),
  ].map(([, target = ""]) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = "", anchor = ""] = target.split("#");
      return { from: page, target, path: path === "" ? page : join(dirname(page), path), anchor };
    });
}

/** What GitHub makes of headings. */
function anchorsOf(page: string): string[] {
  const found = new Map<string, number>();
  return [...proseOf(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, title = ""]) => {
    const slug = title
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
      .replaceAll(" ", "-");
    const times = found.get(slug) ?? 0;
    found.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  });
}

const LINKS = PAGES.flatMap(linksOf);

test("every relative link leads to a file or a folder, and to a heading where it names one", () => {
  const broken = LINKS.filter(
    ({ path, anchor }) =>
      !existsSync(join(ROOT, path)) || (anchor !== "" && !anchorsOf(path).includes(anchor)),
  );
  expect(broken.map(({ from, target }) => `${from}: ${target}`)).toEqual([]);
  expect(LINKS.length).toBeGreaterThan(150);
  expect(LINKS.filter(({ anchor }) => anchor !== "").length).toBeGreaterThan(60);
});

test("every page of the documentation is linked from its index, or from the README of its folder", () => {
  const linked = LINKS.filter(({ from, path }) =>
    [join("docs", "README.md"), join(dirname(path), "README.md")].includes(from),
  ).map(({ path }) => path.replace(/\/$/, ""));
  const pages = PAGES.filter((path) => path.startsWith("docs/") && path !== "docs/README.md");
  const isLinked = (path: string) => linked.includes(path) || linked.includes(dirname(path));
  expect(pages.filter((path) => !isLinked(path))).toEqual([]);
  expect(pages.length).toBeGreaterThan(50);
});

test("pages call the command `postern`; only those that say how to start it know other ways", () => {
  const other = /\b(?:npx|bunx) postern\b|\bbin\/postern\.js\b|\bsrc\/main\.ts\b/g;
  const start = ["README.md", join("docs", "cli.md")];
  const wrong = PAGES.filter((path) => !start.includes(path) && path !== "CHANGELOG.md").flatMap((path) =>
    [...(TEXTS.get(path) ?? "").matchAll(other)].map(([spelling]) => `${path}: ${spelling}`),
  );
  expect(wrong).toEqual([]);
  expect(new Set((TEXTS.get("README.md") ?? "").match(other))).toEqual(new Set(["bin/postern.js"]));
  const [top = "", ...sections] = (TEXTS.get(join("docs", "cli.md")) ?? "").split(/^## /m);
  expect(top.match(other)).toEqual(["npx postern", "bunx postern", "bin/postern.js"]);
  expect(sections.join("").match(other)).toBeNull();
});

/** What SQLite, PostgreSQL, Bun and an application say, and what is put together from parts. */
const SAID_BY_OTHERS = [
  ...["Too Many Requests", "no such order", "it was signed for https"],
  ...["the signature holds for the JSON written without spaces", "unable to open database file"],
  ...["database is locked", "database or disk is full", "Failed to connect", "too many clients"],
  ...["connection slots are reserved", "does not exist", "Set PORT to another one", "such as PORT"],
];

test("what docs/troubleshooting.md quotes is what the program prints", () => {
  const source = (readdirSync(join(ROOT, "src"), { recursive: true }) as string[])
    .filter((path) => /\.tsx?$/.test(path) && !path.includes(".test."))
    .map((path) => readFileSync(join(ROOT, "src", path), "utf8"))
    .join("\n")
    .replace(/["`]\s*\+\s*["`]/g, "");
  const page = join("docs", "troubleshooting.md");
  const blocks = (TEXTS.get(page) ?? "").matchAll(/^```\n([\s\S]*?)^```$/gm);
  const quoted = [...blocks, ...proseOf(page).matchAll(/`([^`\n]+)`/g)]
    .map(([, text = ""]) => text)
    .filter((text) => !/^(?:curl|psql|ss|fuser|chown|postern [a-z-]+) /.test(text));
  // Three words in a row or more, but not behind a path or a number, which differ.
  const words = /(?<![\w/.']|[\d…] )[a-z][a-z']*(?: [a-z][a-z']*){2,}/gi;
  const pieces = quoted.flatMap((text) => text.match(words) ?? []);
  expect(pieces.filter((piece) => !source.includes(piece) && !SAID_BY_OTHERS.includes(piece))).toEqual([]);
  expect(pieces.length).toBeGreaterThan(50);
});

test("each test that docs/security.md names is there", () => {
  const [, table = ""] =
    /^## What defends it\n([\s\S]*?)^## /m.exec(TEXTS.get(join("docs", "security.md")) ?? "") ?? [];
  const named = [...table.matchAll(/^\|.*\| ([^|]+) \|$/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
  );
  const isThere = (name: string) =>
    ["tests", "src"].some((folder) =>
      [name, `${name}.test.ts`].some((path) => existsSync(join(ROOT, folder, path))),
    );
  expect(named.filter((name) => !isThere(name))).toEqual([]);
  expect(named.length).toBeGreaterThan(30);
});
