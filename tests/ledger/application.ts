/**
 * Applications that the service calls: each is a real receiver with a destination of its own, and
 * fails as applications do until it is told to be calm. One is dead, and comes back then.
 */
import {
  answers,
  type Behaviour,
  closes,
  closesInHead,
  hangs,
  newReceiver,
  type Receiver,
} from "../deliver/receiver.ts";
import { freePort } from "../postgres/kept-process.ts";
import type { Chance } from "./chance.ts";
import type { Follower } from "./follower.ts";
import { type Filter, type Left, type LogRecord, type Reception, seqOf, takenOf } from "./record.ts";
import { senderOf } from "./writers.ts";

const SECRET = "whsec_dGhlIGxlZGdlcidzIGFwcGxpY2F0aW9ucyBrZWVwIG9uZQ==";
/** The answer says how much is behind, which is counted each time. */
const LOOK_EVERY_MS = 500;
const SLOW_MS_MAX = 60;
const TROUBLE_MS_MAX = 600;
/** Of requests, each of which begins trouble for a while, or fails alone. */
const TROUBLES = 0.002;
const FAILURES = 0.02;

interface Duty {
  readonly name: string;
  readonly filter: Filter;
  readonly order: Reception["order"];
  readonly concurrency: number;
  /** What becomes of it before it is calm. */
  readonly fate: "fails" | "slow" | "dead";
}

const DUTIES: readonly Duty[] = [
  { name: "ordered", filter: { kinds: "all" }, order: "sender", concurrency: 8, fate: "fails" },
  { name: "loose", filter: { kinds: "all" }, order: "none", concurrency: 16, fate: "fails" },
  { name: "slow", filter: { from: senderOf(0) }, order: "sender", concurrency: 2, fate: "slow" },
  { name: "dead", filter: { kinds: "message,status" }, order: "sender", concurrency: 8, fate: "dead" },
];

/** Short pauses, and more of them than any trouble lasts: nothing is given up. */
const RETRY = ["100ms", "200ms", ...Array.from({ length: 38 }, () => "500ms")];

export async function newApplications(chance: Chance): Promise<readonly Application[]> {
  return await Promise.all(
    DUTIES.map(async (duty) => {
      const application = new Application(duty, chance.of(`application ${duty.name}`), freePort());
      if (duty.fate !== "dead") await application.open();
      return application;
    }),
  );
}

/** The part of a configuration file; each turn says something else of them, and means the same. */
export function destinationsText(applications: readonly Application[], turn: number): string {
  return `destinations:\n${applications.map((each) => each.settings(turn)).join("")}`;
}

interface Shown extends Left {
  readonly position: string;
}

export class Application implements Follower {
  readonly record: Reception;
  readonly #duty: Duty;
  readonly #chance: Chance;
  readonly #port: number;
  readonly #ids = new Map<string, number>();
  #receiver: Receiver | undefined;
  #url: () => string = () => "";
  #watching: Promise<void> | undefined;
  #isCalm = false;
  #isStopped = false;
  #troubleUntil = 0;
  #shown: Shown | undefined;

  constructor(duty: Duty, chance: Chance, port: number) {
    this.#duty = duty;
    this.#chance = chance;
    this.#port = port;
    const { name, filter, order, concurrency } = duty;
    this.record = {
      ...{ way: "receiver", name: `destination ${name}`, filter, order, concurrency, start: 0 },
      ...{ deliveries: [], hurts: [], looks: [], faults: [], left: undefined },
    };
  }

  settings(turn: number): string {
    const { name, filter, order, concurrency } = this.#duty;
    const { kinds, source, from } = filter;
    const lines = [
      `url: http://127.0.0.1:${this.#port}/${name}`,
      `secret: ${SECRET}`,
      ...(kinds === undefined ? [] : [`kinds: ${kinds === "all" ? kinds : `[${kinds}]`}`]),
      ...(source === undefined ? [] : [`sources: [${source}]`]),
      ...(from === undefined ? [] : [`from: "${from}"`]),
      ...[`order: ${order}`, `concurrency: ${concurrency}`, `timeout: ${1 + (turn % 2)}s`],
      ...[`retry: [${RETRY.join(", ")}]`, "start: start", "allow_private: true"],
    ];
    return [`  ${name}:`, ...lines.map((line) => `    ${line}`), ""].join("\n");
  }

  /** From now on somebody listens there. */
  async open(): Promise<void> {
    this.#receiver = await newReceiver({ secrets: [SECRET], port: this.#port, note: () => undefined });
    this.#receiver.behave((answer, received) => this.#take(answer, received));
  }

  /** Looks at what the service says of it, from now on. */
  watch(url: () => string): void {
    this.#url = url;
    this.#watching ??= this.#watch();
  }

  /** Everything up to it was handed on, by what the service says; 0 while anything waits. */
  seq(): number {
    if (this.#shown === undefined) return 0;
    const { position, lag_records, put_aside, dead } = this.#shown;
    return lag_records + put_aside + dead > 0 ? 0 : seqOf(position);
  }

  connections(): number {
    return 0;
  }

  hurt(): void {
    this.record.hurts.push(performance.now());
  }

  /** Answers everything with 200 from now on; who was dead is back. */
  calm(): void {
    this.#isCalm = true;
    if (this.#receiver !== undefined) return;
    this.open().then(
      () => this.#probe(),
      (error) => this.record.faults.push(String(error)),
    );
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#watching;
    await this.#receiver?.close();
    this.#receiver = undefined;
  }

  async #watch(): Promise<void> {
    while (!this.#isStopped) {
      const wasDead = this.#duty.fate === "dead" && !this.#isCalm;
      const shown = await this.#ask("GET", "");
      if (shown !== undefined) {
        const { lag_records, put_aside, dead } = shown;
        this.#shown = shown;
        this.record.left = { lag_records, put_aside, dead };
        if (wasDead && put_aside + dead > 0)
          this.record.faults.push(`while it was dead, ${put_aside} were put aside and ${dead} dead`);
      }
      await Bun.sleep(LOOK_EVERY_MS);
    }
  }

  /** As whoever has mended it does. */
  async #probe(): Promise<void> {
    while (!this.#isStopped && (await this.#ask("POST", "/probe")) === undefined)
      await Bun.sleep(LOOK_EVERY_MS);
  }

  async #ask(method: string, path: string): Promise<Shown | undefined> {
    const url = `${this.#url()}/destinations/${this.#duty.name}${path}`;
    const answer = await fetch(url, { method }).catch(() => undefined);
    if (answer === undefined) return undefined;
    const text = await answer.text().catch(() => undefined);
    if (answer.ok && text !== undefined) return JSON.parse(text) as Shown;
    if (answer.status !== 503 && text !== undefined)
      this.record.faults.push(`${method} ${url} was answered ${answer.status}: ${text}`);
    return undefined;
  }

  readonly #take: Behaviour = (answer, received) => {
    const { type, data } = JSON.parse(received.body) as { readonly type: string; readonly data: LogRecord };
    const delivered = { ...takenOf(data), at: received.at };
    this.record.deliveries.push(delivered);
    const { faults } = this.record;
    const { seq } = delivered;
    if (!received.isVerified) faults.push(`the signature of ${seq} doesn't verify`);
    if (type !== (data.kind === "message" ? "message.received" : `message.${data.kind}`))
      faults.push(`${seq}, a ${data.kind}, came as ${type}`);
    const known = this.#ids.get(received.id) ?? seq;
    if (known !== seq) faults.push(`${known} and ${seq} have the same id ${received.id}`);
    this.#ids.set(received.id, seq);
    const accept: Behaviour = () => {
      Object.assign(delivered, { acceptedAt: performance.now() });
      answers(200)(answer, received);
    };
    this.#behaviour(accept)(answer, received);
  };

  #behaviour(accept: Behaviour): Behaviour {
    const chance = this.#chance;
    if (this.#isCalm) return accept;
    const later: Behaviour = (answer, received) => {
      setTimeout(() => accept(answer, received), chance.between(1, SLOW_MS_MAX));
    };
    if (this.#duty.fate === "slow") return later;
    const now = performance.now();
    if (now < this.#troubleUntil) return answers(500);
    if (chance.holds(TROUBLES)) {
      this.#troubleUntil = now + chance.between(1, TROUBLE_MS_MAX);
      return answers(500);
    }
    if (chance.holds(FAILURES))
      return chance.pick([
        ...[answers(500), answers(503), answers(429, { "Retry-After": "1" })],
        ...[hangs, closes, closesInHead, later],
      ]);
    return accept;
  }
}
