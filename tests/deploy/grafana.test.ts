/** Grafana's dashboard: each of its queries, and each alert's, asks for what a service exposes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { destinationTo } from "../deliver/destination.ts";
import { answers, newReceiver, type Receiver } from "../deliver/receiver.ts";
import { META, metaPost, status, text } from "../http/meta-posts.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { newPrometheus, PROMETHEUS, type Prometheus } from "./prometheus.ts";

const ROOT = resolve(import.meta.dir, "../..");
const DASHBOARD = JSON.parse(readFileSync(join(ROOT, "deploy/grafana/postern.json"), "utf8")) as {
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
};
const ALERTS = Bun.YAML.parse(readFileSync(join(ROOT, "deploy/prometheus/alerts.yml"), "utf8")) as {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[];
  }[];
};
const panels = DASHBOARD.panels.filter(({ type }) => type !== "row");
const shown = panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => [`${title}: ${expr}`, expr.replaceAll("$__rate_interval", "1m")] as const),
);
const raised = ALERTS.groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => [alert, expr] as const));

/** Metrics of the expression, each with the labels that are asked of it. */
function selectorsOf(expr: string): readonly (readonly [metric: string, labels: readonly string[]])[] {
  const bare = expr.replaceAll(/\b(?:by|without) \([^)]*\)/g, "");
  const by = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = ""]) => names.split(", "));
  return [...bare.matchAll(/\b([a-z]+(?:_[a-z0-9]+)+)\b(?:\{([^}]*)\})?(?!\()/g)]
    .filter(([, name = ""]) => !/^(histogram_quantile|count_over_time)$/.test(name))
    .map(([, name = "", matchers = ""]) => [
      name,
      [...[...matchers.matchAll(/(\w+)=/g)].map(([, label = ""]) => label), ...by],
    ]);
}

test("the dashboard shows each panel in a place of its own, with a query", () => {
  expect(new Set(DASHBOARD.panels.map(({ id }) => id)).size).toBe(DASHBOARD.panels.length);
  expect(panels.filter(({ targets = [] }) => targets.length === 0)).toEqual([]);
  expect(shown.length).toBeGreaterThan(50);
});

describe.skipIf(PROMETHEUS === null)("Prometheus, which scrapes a running service", () => {
  let service: TestService;
  let receiver: Receiver;
  let prometheus: Prometheus;
  beforeAll(async () => {
    receiver = await newReceiver();
    receiver.behave((answer, received) =>
      answers(received.body.includes('"m0"') ? 500 : 200)(answer, received),
    );
    const destinations = [destinationTo(receiver.url, { order: "none", retryMs: [3_600_000] })];
    service = await newService({}, { sources: { wa: META }, destinations });
    for (const id of ["m0", "m1", "m1"]) await service.post(message(id));
    await service.send("/webhook/wa", metaPost([text("1")], [status("1")]));
    await service.send("/webhook", { body: "{}" });
    await service.get("/consumers/reader", { method: "PUT", body: "{}" });
    await until("messages to be counted", async () => (await service.metric("store_messages")) !== undefined);
    prometheus = await newPrometheus(`127.0.0.1:${service.port}`);
  });
  afterAll(async () => {
    await prometheus.stop();
    await service.stop();
    await receiver.close();
  });

  test.each([...shown, ...raised])("knows all that is named: %s", async (_, expr) => {
    const unknown: string[] = [];
    for (const [metric, labels] of selectorsOf(expr)) {
      const series = await prometheus.query(metric);
      if (series.length === 0) unknown.push(metric);
      for (const label of labels)
        if (!series.some((each) => label in each.metric)) unknown.push(`${metric}{${label}}`);
    }
    expect(unknown).toEqual([]);
  });

  test.each(shown)("has a result: %s", async (_, expr) => {
    expect((await prometheus.query(expr)).length).toBeGreaterThan(0);
  });

  test.each(raised)("takes the alert %s", async (_, expr) => {
    expect(await prometheus.query(expr)).toBeArray();
  });
});
