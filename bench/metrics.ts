// What a server says about itself at /metrics.

import { host } from "./servers.ts";

const scrapeMsMax = 10_000;

/**
 * The series of one metric by the value of one of its labels; empty when the server has no such
 * metric.
 */
export async function scrape(port: number, metric: string, label: string): Promise<Map<string, number>> {
  const signal = AbortSignal.timeout(scrapeMsMax);
  const text = await (await fetch(`http://${host}:${port}/metrics`, { signal })).text();
  const series = text.matchAll(new RegExp(`^${metric}\\{[^}]*${label}="([^"]*)"[^}]*\\} (\\S+)`, "gm"));
  return new Map(Array.from(series, ([, value = "", figure]) => [value, Number(figure)]));
}
