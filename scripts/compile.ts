/**
 * Makes the single executable: `bun scripts/compile.ts [outfile]` (default `dist/postern`). It
 * needs neither Bun nor the sources beside it, and takes its settings from the environment alone,
 * never from a `.env` or `bunfig.toml` of the folder it is started in.
 */
import { build, file } from "bun";

// The dashboard is in it: made first.
await import("./build-ui.ts");

const outfile = process.argv[2] ?? "dist/postern";

const { logs } = await build({
  entrypoints: [
    "src/main.ts",
    // A thread's program is a bundle of its own; the bundler doesn't follow `new Worker`.
    "src/sources/inspection/inspection-thread.ts",
    "src/storage/sqlite/ingest/writer.ts",
    "src/storage/sqlite/reads/reader.ts",
    "src/storage/sqlite/ingest/checkpointer.ts",
    "src/storage/sqlite/derived/index-thread.ts",
  ],
  // All side by side: inside the executable each is looked for beside the main bundle.
  naming: "[name].[ext]",
  // Parsed here and not at each start, which takes two thirds of the time.
  format: "esm",
  bytecode: true,
  compile: { outfile, autoloadDotenv: false, autoloadBunfig: false },
});

for (const message of logs) console.error(String(message));
console.log(`${outfile}: ${(file(outfile).size / 1e6).toFixed(1)} MB`);
