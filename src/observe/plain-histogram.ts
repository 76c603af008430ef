/** Histograms of one name that are counted elsewhere, as prom-client's registry takes a metric. */
import type { Buckets } from "./buckets.ts";

export type Histograms = Iterable<{
  readonly labels: Record<string, string>;
  readonly buckets: Buckets;
}>;

export class PlainHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = "histogram";
  readonly aggregator = "sum";
  readonly #read: () => Histograms;

  constructor(name: string, help: string, read: () => Histograms) {
    this.name = name;
    this.help = help;
    this.#read = read;
  }

  /** What prom-client's registry asks of a metric. */
  async get() {
    const { name, help, type, aggregator } = this;
    const values = [...this.#read()].flatMap(({ labels, buckets }) => {
      const all = buckets.cumulative();
      return [
        ...all.map(({ bound, count }) => {
          const le = bound === Number.POSITIVE_INFINITY ? "+Inf" : bound;
          return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
        }),
        { metricName: `${name}_sum`, labels, value: buckets.sum },
        { metricName: `${name}_count`, labels, value: all.at(-1)?.count ?? 0 },
      ];
    });
    return { name, help, type, aggregator, values };
  }
}
