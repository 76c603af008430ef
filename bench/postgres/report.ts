// Turns runs on PostgreSQL into Markdown. Pure: text from figures.

import { targetTable } from "../growth/report.ts";
import { figuresTable, median, rateRatios, spread } from "../report.ts";
import type { PostgresRun } from "./ingest.ts";
import { ingestTargets } from "./targets.ts";

const quotients: readonly (readonly [above: string, below: string])[] = [
  ["postern", "row-a-statement"],
  ["postern", "fastapi"],
  ["postern-3", "postern"],
  ["postern-3", "fastapi-3"],
  ["fastapi-3", "fastapi"],
];

export function ingestReport(runs: PostgresRun[]): string {
  const verified = runs.filter((run) => run.problems.length === 0);
  return [
    "### Ingest",
    figuresTable(runs),
    databaseTable(runs),
    ratiosTable(runs),
    `Every 200 is a row, once: verified in ${verified.length} of ${runs.length} runs.`,
    targetTable(ingestTargets(runs)),
  ].join("\n\n");
}

/** What PostgreSQL did for each request. */
function databaseTable(runs: PostgresRun[]): string {
  const rows = [...Map.groupBy(runs, (run) => run.server)].map(([server, group]) => {
    const middle = (figure: (run: PostgresRun) => number) => median(group.map(figure)).toFixed(0);
    const sessions = middle((run) => run.sessions);
    const cpu = middle((run) => run.databaseCpuUsPerRequest);
    return `| ${server} | ${sessions} | ${cpu} | ${middle((run) => run.walBytesPerRequest)} |`;
  });
  return ["| server | sessions | PostgreSQL's CPU µs/request | WAL bytes/request |", "|---|--:|--:|--:|"]
    .concat(rows)
    .join("\n");
}

function ratiosTable(runs: PostgresRun[]): string {
  const rows = quotients
    .map(([above, below]) => ({ title: `${above} ÷ ${below}`, ratios: rateRatios(runs, above, below) }))
    .filter(({ ratios }) => ratios.length > 0)
    .map(({ title, ratios }) => `| ${title} | ${spread(ratios, 2)} |`);
  return ["| requests/s | median of the rounds (min–max) |", "|---|--:|", ...rows].join("\n");
}
