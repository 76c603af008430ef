/** The table of docs/settings.md, made from the program's own: `bun scripts/settings-table.ts`. */
import { SETTINGS } from "../src/config.ts";

export function settingsTable(): string {
  const rows = Object.values(SETTINGS).map(
    (row) =>
      `| \`${row.name}\` | ${row.default === undefined ? "" : `\`${row.default}\``} | ${row.takes} | ${row.doc} |`,
  );
  return ["| variable | default | takes | what for |", "|---|---|---|---|", ...rows].join("\n");
}

if (import.meta.main) console.log(settingsTable());
