/**
 * Applications that the service calls: each is a real receiver with a destination of its own, and
 * fails by its duty until it is told to be calm. It looks at what the service says of it, and does
 * what whoever runs it does: it ends a pause, and asks for an attempt when it is back.
 */
import { type Certificate, type newAuthority, selfSigned } from "../deliver/certificates.ts";
import { answers, type Behaviour, newReceiver, type Receiver } from "../deliver/receiver.ts";
import { freePort } from "../postgres/kept-process.ts";
import type { Chance } from "./chance.ts";
import { allowedOf, concurrencyOf, DUTIES, type Duty, settingsOf } from "./duties.ts";
import type { Follower } from "./follower.ts";
import type { Names } from "./names.ts";
import { type LogRecord, type Reception, type Said, seqOf, takenOf } from "./record.ts";
import { newSwitchboard } from "./switchboard.ts";
import { slowly, Troubles } from "./troubles.ts";

export const SECRET = "whsec_dGhlIGxlZGdlcidzIGFwcGxpY2F0aW9ucyBrZWVwIG9uZQ==";
/** The variable that says which replica a request comes from. */
export const REPLICA = "REPLICA";
/** The answer says how much is behind, which is counted each time. */
const LOOK_EVERY_MS = 500;
/** Of a certificate, and of a name. */
const WRONG_MS = { first: 300, last: 3000 };
const RIGHT_MS = { first: 500, last: 3000 };
/** What an application that never fails has to have, after that. */
const PROMPT_MS = 3000;
const POLL_MS = 20;

interface Surroundings {
  readonly chance: Chance;
  readonly authority: ReturnType<typeof newAuthority>;
  /** Undefined where names can't be taken away. */
  readonly names: Names | undefined;
}

/** Those that can be shown where this runs. */
export async function newApplications(surroundings: Surroundings): Promise<readonly Application[]> {
  const duties = DUTIES.filter(({ fate }) => fate !== "nameless" || surroundings.names !== undefined);
  if (duties.length < DUTIES.length) console.log("skipped: names that aren't resolved (no mounts)");
  return await Promise.all(
    duties.map(async (duty) => {
      const application = new Application(duty, surroundings);
      await application.begin();
      return application;
    }),
  );
}

/** The part of a configuration file, which says something else of them in each turn. */
export function destinationsText(applications: readonly Application[], turn: number): string {
  return `destinations:\n${applications.map((each) => each.settings(turn)).join("")}`;
}

interface Shown {
  readonly state: "ok" | "down" | "paused" | "inactive";
  readonly reason: string | null;
  readonly position: string;
  readonly lag_records: number;
  readonly lag_is_bound: boolean;
  readonly put_aside: number;
  readonly dead: number;
}

export class Application implements Follower {
  readonly record: Reception;
  /** Of its destination. */
  readonly name: string;
  readonly port = freePort();
  readonly #duty: Duty;
  readonly #surroundings: Surroundings;
  readonly #chance: Chance;
  readonly #troubles: Troubles;
  readonly #ids = new Map<string, number>();
  readonly #closing: (() => void | Promise<void>)[] = [];
  #url: () => string = () => "";
  #watching: Promise<void> | undefined;
  #alternating: Promise<void> | undefined;
  #isCalm = false;
  #isStopped = false;
  /** Connections that come now are for another certificate. */
  #isWrong = false;
  #pausesEnded = 0;
  /** How often it was seen that its trouble is met. */
  #troublesSeen = 0;

  constructor(duty: Duty, surroundings: Surroundings) {
    const { name, filter, order, fate } = duty;
    this.name = name;
    this.#duty = duty;
    this.#surroundings = surroundings;
    this.#chance = surroundings.chance.of(`application ${name}`);
    this.#troubles = new Troubles(this.#chance.of("troubles"));
    this.record = {
      ...{ way: "receiver", name: `destination ${name}`, filter, allowed: allowedOf(duty), order, start: 0 },
      ...{ concurrency: concurrencyOf(duty), promptMs: fate === "well" ? PROMPT_MS : undefined },
      ...{ deliveries: [], hurts: [], disturbances: [], turns: [], looks: [], said: [], faults: [] },
    };
  }

  /** One that is calm is in every turn. */
  settings(turn: number): string {
    const { name, fate } = this.#duty;
    const host =
      fate === "certificate"
        ? "https://localhost"
        : fate === "nameless"
          ? `http://${HOST}`
          : "http://127.0.0.1";
    const url = `${host}:${this.port}/${name}/\${${REPLICA}}`;
    return settingsOf(this.#duty, this.#isCalm ? 0 : turn, { url, secret: SECRET });
  }

  async begin(): Promise<void> {
    const { fate } = this.#duty;
    if (fate === "certificate") await this.#beginCertified();
    else if (fate === "nameless") await this.#beginNameless();
    else if (fate !== "dead") await this.#open();
  }

  /** Looks at what the service says of it, from now on. */
  watch(url: () => string): void {
    this.#url = url;
    this.#watching ??= this.#watch();
  }

  /** Everything up to it was handed on, by what the service says; 0 while anything waits. */
  seq(): number {
    const last = this.record.said.at(-1);
    if (last === undefined || last.isInactive) return 0;
    return last.lag + last.putAside + last.dead > 0 ? 0 : last.seq;
  }

  connections(): number {
    return 0;
  }

  hurt(): void {
    this.record.hurts.push(performance.now());
  }

  /** Answers everything with 200 from now on; who was dead is back. */
  calm(): void {
    if (this.#isCalm) return;
    this.#isCalm = true;
    if (this.#duty.fate !== "dead") return;
    this.#open().then(
      () => this.#probe(),
      (error) => this.record.faults.push(String(error)),
    );
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([this.#watching, this.#alternating]);
    for (const close of this.#closing.splice(0).reverse()) await close();
  }

  /** What it was to show and hasn't: the run shows less than it says. */
  unmet(): string[] {
    const { name, fate } = this.#duty;
    const missing =
      fate === "fails"
        ? [...this.#troubles.unmet(), ...(this.#pausesEnded > 0 ? [] : ["its pause"])]
        : (fate === "certificate" || fate === "nameless") && this.#troublesSeen === 0
          ? [fate]
          : [];
    return missing.map((what) => `destination ${name} never met ${what}`);
  }

  /** From now on somebody listens there. */
  async #open(certificate?: Certificate, port = this.port): Promise<Receiver> {
    const tls = certificate === undefined ? {} : { certificate };
    const receiver = await newReceiver({ secrets: [SECRET], port, note: () => undefined, ...tls });
    receiver.behave(this.#take);
    this.#closing.push(() => receiver.close());
    return receiver;
  }

  /** Behind the port stands one of several servers, and one alone has the right certificate. */
  async #beginCertified(): Promise<void> {
    const { authority } = this.#surroundings;
    const right = await this.#open(authority.issue("localhost"), 0);
    const others = [authority.issue("localhost", "expired"), authority.issue("other.test")];
    const wrong = await Promise.all(
      [...others, selfSigned("localhost")].map(async (certificate) => {
        const receiver = await this.#open(certificate, 0);
        receiver.behave((answer, received) => {
          this.record.faults.push(`a wrong certificate was accepted for ${received.id}`);
          answers(500)(answer, received);
        });
        return receiver.port;
      }),
    );
    const board = await newSwitchboard(this.port, (to) => {
      if (to !== right.port) this.#troublesSeen++;
    });
    this.#closing.push(board.close);
    const set = (isWrong: boolean) => {
      this.#isWrong = isWrong;
      board.leadTo(isWrong ? this.#chance.pick(wrong) : right.port);
    };
    this.#alternating = this.#alternate(set);
  }

  async #beginNameless(): Promise<void> {
    await this.#open();
    this.#alternating = this.#alternate((isWrong) =>
      this.#surroundings.names?.know(...(isWrong ? [] : [HOST])),
    );
  }

  /** Wrong first, until that was seen; then right and wrong for a while each; right in the end. */
  async #alternate(set: (isWrong: boolean) => void): Promise<void> {
    set(true);
    const isOver = () => this.#isCalm || this.#isStopped;
    while (this.#troublesSeen === 0 && !isOver()) await Bun.sleep(POLL_MS);
    for (let isWrong = false; !isOver(); isWrong = !isWrong) {
      set(isWrong);
      const { first, last } = isWrong ? WRONG_MS : RIGHT_MS;
      const until = performance.now() + this.#chance.between(first, last);
      while (performance.now() < until && !isOver()) await Bun.sleep(POLL_MS);
    }
    set(false);
  }

  async #watch(): Promise<void> {
    while (!this.#isStopped) {
      const wasDead = this.#duty.fate === "dead" && !this.#isCalm;
      const askedAt = performance.now();
      const shown = await this.#ask("GET", "");
      if (shown !== undefined) this.#note(shown, askedAt);
      if (shown !== undefined && wasDead && shown.put_aside + shown.dead > 0)
        this.record.faults.push(
          `while it was dead, ${shown.put_aside} were put aside and ${shown.dead} dead`,
        );
      // As whoever sees that it takes messages again does.
      if (shown?.state === "paused" && !this.#troubles.isLasting()) {
        if ((await this.#ask("POST", "/resume")) !== undefined) this.#pausesEnded++;
      }
      await Bun.sleep(LOOK_EVERY_MS);
    }
  }

  #note(shown: Shown, askedAt: number): void {
    const { state, reason, position, lag_records, lag_is_bound, put_aside, dead } = shown;
    const said: Said = {
      ...{ askedAt, answeredAt: performance.now(), seq: seqOf(position), isInactive: state === "inactive" },
      ...{ lag: lag_records, isBound: lag_is_bound, putAside: put_aside, dead },
    };
    this.record.said.push(said);
    if (this.#duty.fate === "nameless" && state === "down" && reason === "dns") this.#troublesSeen++;
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
    const by = received.path.split("/").at(-1) ?? "";
    const delivered = { ...takenOf(data), at: received.at, by };
    this.record.deliveries.push(delivered);
    const { faults } = this.record;
    const { seq } = delivered;
    if (!received.isVerified) faults.push(`the signature of ${seq} doesn't verify`);
    if (type !== (data.kind === "message" ? "message.received" : `message.${data.kind}`))
      faults.push(`${seq}, a ${data.kind}, came as ${type}`);
    const known = this.#ids.get(received.id) ?? seq;
    if (known !== seq) faults.push(`${known} and ${seq} have the same id ${received.id}`);
    this.#ids.set(received.id, seq);
    const accept = () => {
      Object.assign(delivered, { acceptedAt: performance.now() });
    };
    this.#behaviour(accept)(answer, received);
  };

  #behaviour(accept: () => void): Behaviour {
    const taken: Behaviour = (answer, received) => {
      accept();
      // Whoever comes next meets another certificate.
      answers(200, this.#isWrong ? { Connection: "close" } : {})(answer, received);
    };
    const { fate } = this.#duty;
    if (this.#isCalm) return taken;
    if (fate === "slow") return slowly(accept, this.#chance);
    return (fate === "fails" ? this.#troubles.next(accept) : undefined) ?? taken;
  }
}

const HOST = "application.ledger.test";
