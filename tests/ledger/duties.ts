/**
 * The destinations of a run: what each is to be given, how it fails until it is calm, and what the
 * configuration says of it from one reload to the next.
 */
import type { Filter, Reception } from "./record.ts";
import { PROVIDER, senderOf } from "./writers.ts";

/** What becomes of it before it is calm. */
type Fate =
  /** Each of its ways to fail, again and again. */
  | "fails"
  /** Nothing: it shows what the others cost it. */
  | "well"
  | "slow"
  /** Nobody listens, until the end. */
  | "dead"
  /** Its certificate is wrong for a while. */
  | "certificate"
  /** Its name isn't resolved for a while. */
  | "nameless";

/** Until the next reload. */
interface Turn {
  readonly concurrency: number;
  readonly filter: Filter;
  readonly rate?: string;
}

export interface Duty extends Pick<Reception, "name" | "order" | "filter"> {
  readonly fate: Fate;
  /** One reload after the other, and again from the first on; in `"out"` it isn't in the file. */
  readonly turns: readonly [Turn, ...(Turn | "out")[]];
}

const EVERYTHING: Filter = { kinds: "all" };
const KINDS_THERE_ARE: Filter = { kinds: "message,status" };
const SOURCES_THERE_ARE: Filter = { kinds: "all", source: `native, ${PROVIDER.name}` };
const FEW: Filter = { from: senderOf(2) };
const MANY: Filter = { source: "native, wa" };

export const DUTIES: readonly Duty[] = [
  {
    ...{ name: "ordered", fate: "fails", order: "sender", filter: EVERYTHING },
    turns: [
      { concurrency: 8, filter: EVERYTHING },
      { concurrency: 3, filter: KINDS_THERE_ARE, rate: "2000/s" },
      { concurrency: 8, filter: SOURCES_THERE_ARE },
    ],
  },
  {
    ...{ name: "loose", fate: "fails", order: "none", filter: EVERYTHING },
    turns: [{ concurrency: 16, filter: EVERYTHING }, "out"],
  },
  {
    ...{ name: "slow", fate: "slow", order: "sender", filter: { from: senderOf(0) } },
    turns: [{ concurrency: 2, filter: { from: senderOf(0) } }],
  },
  {
    ...{ name: "dead", fate: "dead", order: "sender", filter: KINDS_THERE_ARE },
    turns: [
      { concurrency: 8, filter: KINDS_THERE_ARE },
      { concurrency: 4, filter: KINDS_THERE_ARE },
    ],
  },
  {
    ...{ name: "prompt", fate: "well", order: "sender", filter: { source: "native" } },
    turns: [{ concurrency: 8, filter: { source: "native" } }],
  },
  {
    ...{ name: "changing", fate: "well", order: "sender", filter: FEW },
    turns: [
      { concurrency: 4, filter: FEW },
      { concurrency: 8, filter: MANY, rate: "1000/s" },
    ],
  },
  {
    ...{ name: "certified", fate: "certificate", order: "sender", filter: { kinds: "status" } },
    turns: [{ concurrency: 4, filter: { kinds: "status" } }],
  },
  {
    ...{ name: "named", fate: "nameless", order: "none", filter: { from: senderOf(1) } },
    turns: [{ concurrency: 4, filter: { from: senderOf(1) } }],
  },
];

const isIn = (turn: Turn | "out"): turn is Turn => turn !== "out";

/** How many requests may be under way at once, at most. */
export function concurrencyOf({ turns }: Duty): number {
  return Math.max(...turns.filter(isIn).map(({ concurrency }) => concurrency));
}

/** All that it may be given, whenever it comes. */
export function allowedOf({ turns }: Duty): readonly Filter[] {
  return turns.filter(isIn).map(({ filter }) => filter);
}

/** Short pauses, and more of them than any trouble lasts: nothing is given up. */
export const RETRY = ["100ms", "200ms", ...Array.from({ length: 98 }, () => "500ms")];

interface Setting {
  readonly url: string;
  readonly secret: string;
}

/** Its part of a configuration file, empty where it isn't in it. */
export function settingsOf({ name, order, turns }: Duty, number: number, { url, secret }: Setting): string {
  const turn = turns[number % turns.length];
  if (turn === undefined || turn === "out") return "";
  const { kinds, source, from } = turn.filter;
  const lines = [
    ...[`url: ${url}`, `secret: ${secret}`],
    ...(kinds === undefined ? [] : [`kinds: ${kinds === "all" ? kinds : `[${kinds}]`}`]),
    ...(source === undefined ? [] : [`sources: [${source}]`]),
    ...(from === undefined ? [] : [`from: "${from}"`]),
    ...(turn.rate === undefined ? [] : [`rate: ${turn.rate}`]),
    // The time changes with each reload, so that each of them begins every destination anew.
    ...[`order: ${order}`, `concurrency: ${turn.concurrency}`, `timeout: ${2500 + (number % 2)}ms`],
    ...[`retry: [${RETRY.join(", ")}]`, "start: start", "allow_private: true"],
  ];
  return [`  ${name}:`, ...lines.map((line) => `    ${line}`), ""].join("\n");
}
