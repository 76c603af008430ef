/** A Prometheus that scrapes a service, where one is installed. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "../folder.ts";
import { freePort } from "../postgres/kept-process.ts";
import { until } from "../until.ts";

/** Null: the tests that need one are skipped. */
export const PROMETHEUS = Bun.which("prometheus");

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
}

export interface Prometheus {
  /** What it answers to an expression, now; throws what it objects to. */
  readonly query: (expression: string) => Promise<readonly Sample[]>;
  readonly stop: () => Promise<void>;
}

/** Scrapes the target (`127.0.0.1:8000`) once a second. */
export async function newPrometheus(target: string): Promise<Prometheus> {
  const folder = newFolder();
  const port = freePort();
  const config = join(folder.path, "prometheus.yml");
  const jobs = [{ job_name: "postern", static_configs: [{ targets: [target] }] }];
  // JSON is YAML.
  writeFileSync(config, JSON.stringify({ global: { scrape_interval: "1s" }, scrape_configs: jobs }));
  const child = Bun.spawn(
    [
      ...[PROMETHEUS ?? "", `--config.file=${config}`, `--storage.tsdb.path=${join(folder.path, "data")}`],
      ...[`--web.listen-address=127.0.0.1:${port}`, "--log.level=error"],
    ],
    { stdout: "ignore", stderr: "ignore" },
  );
  const query = async (expression: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query`, {
      method: "POST",
      body: new URLSearchParams({ query: expression }),
    });
    const { error, data } = (await answer.json()) as {
      readonly error?: string;
      readonly data?: { readonly result: readonly Sample[] };
    };
    if (data === undefined) throw new Error(`${expression}: ${error}`);
    return data.result;
  };
  // A rate needs two.
  await until("it has scraped twice", async () => (await query("count_over_time(up[1m]) > 2")).length === 1);
  return {
    query,
    stop: async () => {
      child.kill();
      await child.exited;
      folder.remove();
    },
  };
}
