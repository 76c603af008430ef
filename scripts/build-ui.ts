/**
 * Builds the dashboard: `bun scripts/build-ui.ts`. What `src/ui` is becomes one file that the
 * service serves from, `src/features/dashboard/bundle.txt`, with every part compressed already.
 */
import { renameSync } from "node:fs";
import { join, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build, file, write } from "bun";
import type { Bundle } from "../src/features/dashboard/bundle.ts";
import { ICON } from "../src/features/icon.ts";

const ROOT = resolve(import.meta.dir, "..");
const UI = join(ROOT, "src/ui");
const OUT = join(ROOT, "src/features/dashboard/bundle.txt");
const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  html: "text/html; charset=utf-8",
};

const made = new Map<string, Uint8Array>();
const { outputs } = await build({
  // `theme` runs before the page is drawn, and so by itself.
  entrypoints: ["main.tsx", "theme-first.ts", "style.css"].map((name) => join(UI, name)),
  target: "browser",
  format: "esm",
  minify: true,
  splitting: true,
  naming: { entry: "[name]-[hash].[ext]", chunk: "part-[hash].[ext]", asset: "[name]-[hash].[ext]" },
  jsx: { runtime: "automatic", importSource: "preact", development: false },
  define: { "process.env.NODE_ENV": '"production"' },
});
for (const output of outputs)
  made.set(output.path.replace(/^.*\//, ""), new Uint8Array(await output.arrayBuffer()));
made.set(`icon-${Bun.hash(ICON).toString(36)}.svg`, Buffer.from(ICON));

const page = (await file(join(UI, "index.html")).text()).replace(
  /\{\{([\w-]+)\.(\w+)\}\}/g,
  (_, name, end) => {
    const found = [...made.keys()].find((each) => each.startsWith(`${name}-`) && each.endsWith(`.${end}`));
    if (found === undefined) throw new Error(`the page names ${name}.${end}, which wasn't made`);
    return found;
  },
);
made.set("index.html", Buffer.from(page));

const bundle: Bundle = Object.fromEntries([...made].map(([name, bytes]) => [name, asset(name, bytes)]));
// Whoever reads it meanwhile has the one before; several may build at once.
const beside = `${OUT}.${process.pid}`;
await write(beside, JSON.stringify(bundle));
renameSync(beside, OUT);
const sizes = Object.entries(bundle).map(
  ([name, { codings }]) => [name, codings.br ?? codings.identity] as const,
);
for (const [name, coded] of sizes) console.log(`${name}: ${Buffer.from(coded, "base64").length} bytes`);

function asset(name: string, bytes: Uint8Array): Bundle[string] {
  const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  const smaller = (coding: string, coded: Uint8Array) =>
    coded.length < bytes.length ? { [coding]: Buffer.from(coded).toString("base64") } : {};
  return {
    type: TYPES[name.split(".").at(-1) ?? ""] ?? "application/octet-stream",
    etag: `"${Bun.hash(bytes).toString(36)}"`,
    codings: {
      identity: Buffer.from(bytes).toString("base64"),
      ...smaller("gzip", gzipSync(bytes, { level: 9 })),
      ...smaller("br", brotliCompressSync(bytes, { params: quality })),
    },
  };
}
