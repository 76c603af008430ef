/**
 * Counts over time as bars that stand on each other: a legend that switches them, values under the
 * cursor or by arrow keys, and the same numbers as a table.
 */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { count } from "../format.ts";
import { type ChartSeries, gridOf } from "./chart-data.ts";

const HEIGHT = 220;
const [TOP, BOTTOM, LEFT] = [8, 22, 44];
const LABEL_PX = 76;
const VALUES_GAP_PX = 8;
const BAR_PX_MAX = 40;

interface ChartProps {
  /** Of a step, in words. */
  readonly labels: readonly string[];
  readonly series: readonly ChartSeries[];
  readonly wordOf: (name: string) => string;
  /** What it shows, in words. */
  readonly title: string;
  /** Which labels are shown, the more the better that fit: every so many steps. */
  readonly rounds: readonly number[];
  /** So many steps before the first one is a round one. */
  readonly phase: number;
}

export function Chart({ series, ...rest }: ChartProps) {
  const { wordOf } = rest;
  const hidden = useSignal<ReadonlySet<string>>(new Set());
  const shown = series.filter(({ name }) => !hidden.value.has(name));
  const toggle = (name: string) => {
    const next = new Set(hidden.value);
    if (!next.delete(name)) next.add(name);
    hidden.value = next;
  };
  return (
    <div class="chart">
      <Bars {...rest} series={shown} />
      <ul class="chart-legend" aria-label="Shown">
        {series.map(({ name, color, counts }) => (
          <li key={name}>
            <button type="button" aria-pressed={!hidden.value.has(name)} onClick={() => toggle(name)}>
              <span class={`swatch color-${color}`} aria-hidden="true" />
              <span class="legend-name">{wordOf(name)}</span>{" "}
              <span class="quiet">{count(total(counts))}</span>
            </button>
          </li>
        ))}
      </ul>
      <Numbers {...rest} series={shown} />
    </div>
  );
}

function Bars({ labels, series, wordOf, title, rounds, phase }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  const at = useSignal<number | undefined>(undefined);
  useLayoutEffect(() => {
    const { current } = box;
    if (current === null) return;
    const measure = () => {
      width.value = current.clientWidth;
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  const steps = labels.length;
  const sums = labels.map((_, index) => total(series.map(({ counts }) => counts[index] ?? 0)));
  const grid = gridOf(Math.max(0, ...sums));
  const top = grid.at(-1) ?? 1;
  const stepPx = Math.max(0, width.value - LEFT) / Math.max(1, steps);
  const barPx = Math.min(BAR_PX_MAX, Math.max(1, stepPx - (stepPx > 6 ? 2 : 0.5)));
  const y = (value: number) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  const x = (index: number) => LEFT + index * stepPx;
  const every = rounds.find((each) => each * stepPx >= LABEL_PX) ?? steps;
  const point = ({ clientX }: PointerEvent) => {
    const left = box.current?.getBoundingClientRect().left ?? 0;
    const index = Math.floor((clientX - left - LEFT) / stepPx);
    at.value = index >= 0 && index < steps ? index : undefined;
  };
  const keys: Readonly<Record<string, () => number | undefined>> = {
    ArrowLeft: () => Math.max(0, (at.value ?? steps) - 1),
    ArrowRight: () => Math.min(steps - 1, (at.value ?? -1) + 1),
    Home: () => 0,
    End: () => steps - 1,
    Escape: () => undefined,
  };
  const press = (event: KeyboardEvent) => {
    const move = keys[event.key];
    if (move === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    at.value = move();
  };
  const under = at.value !== undefined && at.value < steps ? at.value : undefined;
  return (
    <div
      ref={box}
      class="chart-bars"
      role="group"
      aria-label={`${title}: arrow keys read it`}
      tabIndex={0}
      data-scrolls
      onPointerMove={point}
      onPointerDown={point}
      onPointerLeave={() => {
        at.value = undefined;
      }}
      onBlur={() => {
        at.value = undefined;
      }}
      onKeyDown={press}
    >
      <svg width={width.value} height={HEIGHT} aria-hidden="true">
        {grid.map((value) => (
          <g key={value}>
            <line class="chart-line" x1={LEFT} x2={width.value} y1={y(value)} y2={y(value)} />
            <text x={LEFT - 8} y={y(value) + 4} text-anchor="end">
              {compact.format(value)}
            </text>
          </g>
        ))}
        {under !== undefined && (
          <rect class="chart-under" x={x(under)} y={TOP} width={stepPx} height={HEIGHT - TOP - BOTTOM} />
        )}
        {barsOf(series, steps).map(({ name, color, bars }) => (
          <path
            key={name}
            class={`color-${color}`}
            d={bars
              .map(({ index, from, to }) => {
                const left = x(index) + (stepPx - barPx) / 2;
                return `M${left} ${y(from)}V${y(to)}h${barPx}V${y(from)}z`;
              })
              .join("")}
          />
        ))}
        {labels.map((label, index) => {
          const middle = x(index) + stepPx / 2;
          if ((index + phase) % every !== 0 || middle > width.value - LABEL_PX / 4) return null;
          return (
            <text key={index} x={middle} y={HEIGHT - 6} text-anchor="middle">
              {label}
            </text>
          );
        })}
      </svg>
      {under !== undefined && (
        <div
          class="chart-values"
          role="status"
          style={
            under > steps / 2
              ? { right: `${width.value - x(under) + VALUES_GAP_PX}px` }
              : { left: `${x(under) + stepPx + VALUES_GAP_PX}px` }
          }
        >
          <strong>{labels[under]}</strong>
          {series
            .filter(({ counts }) => (counts[under] ?? 0) > 0)
            .toReversed()
            .map(({ name, color, counts }) => (
              <div key={name}>
                <span class={`swatch color-${color}`} aria-hidden="true" />
                <span class="legend-name">{wordOf(name)}</span>
                <span>{count(counts[under] ?? 0)}</span>
              </div>
            ))}
          <div class="quiet">
            <span class="legend-name">together</span>
            <span>{count(sums[under] ?? 0)}</span>
          </div>
        </div>
      )}
    </div>
  );
}

function Numbers({ labels, series, wordOf, title }: ChartProps) {
  const isOpen = useSignal(false);
  return (
    <details
      class="chart-numbers"
      onToggle={({ currentTarget }) => {
        isOpen.value = currentTarget.open;
      }}
    >
      <summary>As a table</summary>
      {isOpen.value && (
        <div class="table-scroll" tabIndex={0} role="group" aria-label={title} data-scrolls>
          <table>
            <caption class="unseen">{title}</caption>
            <thead>
              <tr>
                <th scope="col">From</th>
                {series.map(({ name }) => (
                  <th key={name} scope="col" class="number">
                    {wordOf(name)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {labels
                .map((label, index) => (
                  <tr key={index}>
                    <th scope="row">{label}</th>
                    {series.map(({ name, counts }) => (
                      <td key={name} class="number">
                        {count(counts[index] ?? 0)}
                      </td>
                    ))}
                  </tr>
                ))
                .toReversed()}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });

/** Of each series the stretch that it has in each step's bar. */
function barsOf(series: readonly ChartSeries[], steps: number) {
  const heights = new Array<number>(steps).fill(0);
  return series.map(({ name, color, counts }) => ({
    ...{ name, color },
    bars: counts.flatMap((rows, index) => {
      if (rows === 0) return [];
      const from = heights[index] ?? 0;
      heights[index] = from + rows;
      return [{ index, from, to: from + rows }];
    }),
  }));
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, each) => sum + each, 0);
}
