/** The comparison finds what it has to find, in sequences that are made up. */
import { describe, expect, test } from "bun:test";
import { fc } from "../property.ts";
import { compare, type Evidence, matches } from "./compare.ts";
import { describeFindings } from "./findings.ts";
import {
  type ConsumerStep,
  type Consumption,
  type Filter,
  keyOf,
  type LogRecord,
  type Reception,
  type Said,
  type SentPost,
  type Storing,
  takenOf,
  type Walk,
} from "./record.ts";

const record = (seq: number, more: Partial<LogRecord> = {}): LogRecord => ({
  position: `abc.${seq}`,
  kind: "message",
  source: "native",
  message_id: `m${seq}`,
  from: "+1",
  ...more,
});

/** Six records; the fourth is a status. The fifth number is nobody's. */
const LOG = [
  ...[record(1), record(2), record(3)],
  record(4, { kind: "status", source: "wa", event_key: "e4", message_id: null }),
  ...[record(6), record(7)],
];

const LOG_SEQS = [1, 2, 3, 4, 6, 7];

const at = (seq: number) => takenOf(LOG.find(({ position }) => position === `abc.${seq}`) ?? record(seq));

function post(record: LogRecord, more: Partial<SentPost> = {}): SentPost {
  const seq = Number(record.position.split(".")[1]);
  return { keys: [keyOf(record)], sentAt: 10 * seq, acknowledgedAt: 10 * seq + 5, created: 1, ...more };
}

function findings(given: Partial<Evidence>): string[] {
  const log = given.log ?? LOG;
  const stored = LOG.map((each) => ({ seq: takenOf(each).seq, key: keyOf(each) }));
  const all = compare({ log, stored, posts: LOG.map((each) => post(each)), followers: [], ...given });
  return all.map(({ about, what, detail }) => `${about}: ${what}: ${detail}`);
}

function walk(seqs: readonly number[], more: Partial<Walk> = {}): Walk {
  const filter = { kinds: "all" };
  return { way: "walk", name: "w", filter, start: 0, looks: [], faults: [], taken: seqs.map(at), ...more };
}

const walked = (seqs: readonly number[], more: Partial<Walk> = {}) =>
  findings({ followers: [walk(seqs, more)] });

const page = (...seqs: number[]): ConsumerStep => ({ step: "page", taken: seqs.map(at) });
const acknowledging = (seq: number): ConsumerStep => ({ step: "acknowledging", seq });
const acknowledged = (seq: number): ConsumerStep => ({ step: "acknowledged", seq });
const acknowledges = (seq: number) => [acknowledging(seq), acknowledged(seq)];

function consumed(steps: ConsumerStep[], more: Partial<Consumption> = {}): string[] {
  const filter = { kinds: "all" };
  const consumer: Consumption = {
    ...{ way: "consumer", name: "c", filter, start: 0, looks: [], faults: [], steps },
    ...more,
  };
  return findings({ followers: [consumer] });
}

test("a log that holds what was acknowledged, and what its rows say, is right", () => {
  expect(findings({})).toEqual([]);
});

describe("of the log it finds", () => {
  test("numbers that don't rise", () => {
    const [first, second, ...rest] = LOG as [LogRecord, LogRecord];
    expect(findings({ log: [second, first, ...rest] })).toEqual([
      "the log: disorder: 1 (message native m1) comes after 2",
    ]);
    expect(findings({ log: [first, ...LOG] })).toEqual([
      "the log: disorder: 1 (message native m1) comes after 1",
      "the log: double: message native m1 is at 1 and at 1",
    ]);
  });

  test("a record that is there twice", () => {
    const log = [...LOG, record(8, { message_id: "m1" })];
    expect(findings({ log })).toContain("the log: double: message native m1 is at 1 and at 8");
  });

  test("what was acknowledged and isn't there", () => {
    const log = LOG.slice(1);
    const stored = log.map((each) => ({ seq: takenOf(each).seq, key: keyOf(each) }));
    expect(findings({ log, stored })).toEqual([
      "what was sent: missing: message native m1 was acknowledged, and the log doesn't show it",
    ]);
  });

  test("nothing in what was never acknowledged, there or not", () => {
    const posts = LOG.map(({ ...each }) => {
      const { acknowledgedAt: _, ...unanswered } = post(each);
      return unanswered;
    });
    expect(findings({ posts: [...posts, { keys: ["message native lost"], sentAt: 1, created: 0 }] })).toEqual(
      [],
    );
  });

  test("what nobody has sent", () => {
    expect(findings({ posts: LOG.slice(1).map((each) => post(each)) })).toEqual([
      "what was sent: unknown: message native m1 at 1 was never sent",
    ]);
  });

  test("a POST that was new twice", () => {
    const posts = LOG.map((each, place) => post(each, { created: place === 0 ? 2 : 1 }));
    expect(findings({ posts })).toEqual([
      "what was sent: double: message native m1 was said to be new 2 times",
    ]);
  });

  test("rows that it doesn't show, shows elsewhere, or has made up", () => {
    const stored = [
      { seq: 2, key: "message native m1" },
      ...LOG.slice(2).map((each) => ({ seq: takenOf(each).seq, key: keyOf(each) })),
      { seq: 8, key: "message native m8" },
    ];
    expect(findings({ stored })).toEqual([
      "the database: differing: message native m1 is stored at 2, and the log shows it at 1",
      "the database: missing: message native m8 is stored at 8, and the log doesn't show it",
      "the database: unknown: message native m2 is shown at 2 and isn't stored",
    ]);
  });
});

describe("of a follower it finds", () => {
  test("nothing when it was given everything once, in order", () => {
    expect(walked([1, 2, 3, 4, 6, 7])).toEqual([]);
    expect(walked([4, 6, 7], { start: 3 })).toEqual([]);
    expect(walked([1, 2, 3, 6, 7], { filter: {} })).toEqual([]);
    expect(walked([4], { filter: { kinds: "status" } })).toEqual([]);
  });

  test("a record that is made visible when later ones have been given", () => {
    expect(walked([1, 3, 2, 4, 6, 7])).toEqual(["w: disorder: 2 (message native m2) came after 3"]);
  });

  test("a record that is made visible below a position that was passed, and so never comes", () => {
    expect(walked([1, 3, 4, 6, 7])).toEqual(["w: gap: 2 (message native m2) never came"]);
  });

  test("one that was given twice, at once or later", () => {
    expect(walked([1, 2, 2, 3, 4, 6, 7])).toEqual(["w: double: 2 (message native m2) came again after 2"]);
    expect(walked([1, 2, 3, 4, 2, 6, 7])).toEqual(["w: double: 2 (message native m2) came again after 4"]);
  });

  test("one that is stuck before the end", () => {
    expect(walked([1, 2, 3, 4, 6])).toEqual(["w: gap: 7 (message native m7) never came: the end was 6"]);
    expect(walked([])).toHaveLength(LOG.length);
  });

  test("one that was given what isn't in the log, or what it didn't ask for", () => {
    expect(walked([1, 2, 3, 4, 5, 6, 7])).toEqual(["w: unknown: 5 isn't in the log"]);
    expect(walked([1, 2, 3, 4, 6, 7], { filter: {} })).toEqual([
      "w: unwanted: 4 (status wa e4) doesn't match the filter, or lies before the start",
    ]);
    expect(walked([3, 4, 6, 7], { start: 3 })).toHaveLength(1);
  });

  test("a record in another form than the log's, its position included", () => {
    const other = { seq: 2, digest: takenOf(record(2, { position: "other.2" })).digest };
    expect(walked([], { taken: [at(1), other, ...[3, 4, 6, 7].map(at)] })).toEqual([
      "w: differing: 2 (message native m2) was shown in another form than the log has",
    ]);
  });

  test("an end before what had been acknowledged, and one behind what hadn't been sent", () => {
    const everything = [1, 2, 3, 4, 6, 7];
    const look = (askedAt: number, answeredAt: number, seq: number) =>
      walked(everything, { looks: [{ askedAt, answeredAt, seq }] });
    expect(look(36, 39, 3)).toEqual([]);
    expect(look(36, 45, 4)).toEqual([]);
    expect(look(36, 45, 2)).toEqual(["w: late: an end at 2 was told after 3 had been acknowledged"]);
    expect(look(36, 39, 4)).toEqual(["w: early: an end at 4 was told before 4 was sent"]);
    expect(look(0, 5, 0)).toEqual([]);
    expect(look(1000, 1001, 7)).toEqual([]);
  });

  test("what it met with itself", () => {
    expect(walked([1, 2, 3, 4, 6, 7], { faults: ["410"] })).toEqual(["w: fault: 410"]);
  });
});

test("of a follower it finds something exactly if it wasn't given everything once, in order", () => {
  const everything = [1, 2, 3, 4, 6, 7];
  const seqs = fc.oneof(
    fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 8 }),
    fc.shuffledSubarray(everything, { minLength: 4 }),
  );
  fc.assert(fc.property(seqs, (given) => (walked(given).length === 0) === Bun.deepEquals(given, everything)));
  expect(walked(everything)).toEqual([]);
});

test("of a consumer it finds nothing, whatever it acknowledges and whichever answers are lost", () => {
  const seqs = [0, 1, 2, 3, 4, 6, 7];
  const round = fc.record({
    limit: fc.integer({ min: 1, max: 7 }),
    done: fc.integer({ min: 0, max: 7 }),
    acknowledged: fc.constantFrom("all", "first", "nothing"),
    answer: fc.constantFrom("comes", "is lost", "is lost before it holds"),
  });
  const run = (rounds: readonly (typeof round extends fc.Arbitrary<infer R> ? R : never)[]) => {
    let place = 0;
    const steps: ConsumerStep[] = [];
    for (const { limit, done, acknowledged: what, answer } of rounds) {
      const given = seqs.slice(place + 1, place + 1 + limit);
      const taken = given.slice(0, done);
      steps.push(page(...taken));
      const seq = what === "first" ? taken[0] : what === "all" ? taken.at(-1) : undefined;
      if (seq === undefined) continue;
      steps.push(acknowledging(seq));
      if (answer !== "is lost before it holds") place = seqs.indexOf(seq);
      if (answer === "comes") steps.push(acknowledged(seq));
    }
    return [...steps, page(...seqs.slice(place + 1)), ...acknowledges(7)];
  };
  fc.assert(
    fc.property(fc.array(round, { maxLength: 10 }), (rounds) => {
      expect(consumed(run(rounds))).toEqual([]);
    }),
  );
});

describe("of a consumer it finds", () => {
  test("nothing when what wasn't acknowledged comes again", () => {
    expect(
      consumed([page(1, 2), page(1, 2, 3), ...acknowledges(2), page(3, 4, 6, 7), ...acknowledges(7)]),
    ).toEqual([]);
  });

  test("nothing when an acknowledgement without an answer holds, and nothing when it doesn't", () => {
    expect(consumed([page(1, 2), acknowledging(2), page(3, 4, 6, 7), ...acknowledges(7)])).toEqual([]);
    expect(consumed([page(1, 2), acknowledging(2), page(1, 2, 3, 4, 6, 7), ...acknowledges(7)])).toEqual([]);
    // It was slow, and came between two pages.
    expect(consumed([page(1, 2), acknowledging(2), page(1), page(3, 4, 6, 7), ...acknowledges(7)])).toEqual(
      [],
    );
  });

  test("a position that goes back", () => {
    const all = [page(1, 2, 3), ...acknowledges(3)];
    expect(consumed([...all, page(2, 3, 4, 6, 7), ...acknowledges(7)])).toEqual([
      "c: double: 2 (message native m2) came again after 3 was acknowledged",
    ]);
    expect(consumed([...all, acknowledging(2), acknowledged(2), page(4, 6, 7), ...acknowledges(7)])).toEqual([
      "c: unmoved: 2 was answered when 3 had been acknowledged",
    ]);
    expect(
      consumed([page(1, 2), acknowledging(2), page(3), page(1, 2, 3, 4, 6, 7), ...acknowledges(7)]),
    ).toEqual(["c: double: 1 (message native m1) came again after 2 was acknowledged"]);
  });

  test("a position that moves past what was acknowledged", () => {
    expect(consumed([page(1, 2), ...acknowledges(1), page(3, 4, 6, 7), ...acknowledges(7)])).toEqual([
      "c: gap: a page after 1 began with 3 (message native m3)",
    ]);
    expect(
      consumed([page(1, 2), acknowledging(1), acknowledged(2), page(3, 4, 6, 7), ...acknowledges(7)]),
    ).toEqual(["c: unmoved: 2 was answered when 1 was the most that was said"]);
  });

  test("a gap and disorder within a page", () => {
    expect(consumed([page(1, 3, 4, 6, 7), ...acknowledges(7)])).toEqual([
      "c: gap: 3 (message native m3) came where 2 was next",
    ]);
    expect(consumed([page(1, 2, 1, 2, 3, 4, 6, 7), ...acknowledges(7)])).toEqual([
      "c: disorder: 1 (message native m1) came where 3 was next",
    ]);
  });

  test("what it never got to", () => {
    expect(consumed([page(1, 2, 3, 4, 6), ...acknowledges(6), page()])).toEqual([
      "c: gap: 7 (message native m7) was never acknowledged: the end was 6",
    ]);
  });

  test("nothing in an acknowledgement that lies between two records of its own", () => {
    const filter = { kinds: "message" };
    expect(consumed([page(1, 2, 3), ...acknowledges(4), page(6, 7), ...acknowledges(7)], { filter })).toEqual(
      [],
    );
  });
});

describe("of a file or a broker it finds", () => {
  const storingOf = (seqs: readonly number[], more: Partial<Storing> = {}): Storing => ({
    ...{ way: "storage", name: "s", filter: { kinds: "all" }, start: 0, looks: [], faults: [] },
    ...{ concurrency: 1, dropsDoubles: false, hurts: 0, taken: seqs.map(at), left: { seq: 7, records: 0 } },
    ...more,
  });
  const stored = (seqs: readonly number[], more: Partial<Storing> = {}) =>
    findings({ followers: [storingOf(seqs, more)] });

  test("nothing where everything came, and again where something was hurt", () => {
    expect(stored(LOG_SEQS)).toEqual([]);
    expect(stored([1, 2, 1, 2, 3, 4, 6, 7], { hurts: 1 })).toEqual([]);
    // An event about nothing keeps nobody's order.
    expect(stored([4, 1, 2, 3, 6, 7])).toEqual([]);
  });

  test("what never came, came out of order, is nobody's, or came again", () => {
    expect(stored([1, 2, 3, 4, 7])).toEqual([
      "s: disorder: 7 (message native m7) came before 6 (message native m6) of its sender was accepted",
      "s: gap: 6 (message native m6) never came",
    ]);
    expect(stored([1, 3, 2, 4, 6, 7])).toHaveLength(1);
    expect(stored([...LOG_SEQS, 5])).toHaveLength(1);
    expect(stored([1, ...LOG_SEQS])).toEqual(["s: double: 1 came again: 0 at most may"]);
  });

  test("what a broker should have dropped, and what the service still has", () => {
    const doubles = stored([1, ...LOG_SEQS], { hurts: 5, dropsDoubles: true });
    expect(doubles).toEqual(["s: double: 1 came again: 0 at most may"]);
    expect(stored(LOG_SEQS, { left: { seq: 7, records: 2 } })).toEqual([
      "s: left: 2 are behind, put aside or dead",
    ]);
    expect(stored(LOG_SEQS, { left: undefined })).toEqual(["s: left: the service said nothing of it"]);
  });
});

describe("of a receiver it finds", () => {
  /** Accepted at once, one after the other; a number below 0 is refused. */
  const deliveries = (seqs: readonly number[]) =>
    seqs.map((seq, place) => ({
      ...at(Math.abs(seq)),
      ...{ at: 10 * place, by: "r0" },
      ...(seq > 0 && { acceptedAt: 10 * place + 1 }),
    }));
  const said = (seq: number, more: Partial<Said> = {}): Said => ({
    ...{ askedAt: 1000, answeredAt: 1001, seq, isInactive: false },
    ...{ lag: 0, isBound: false, putAside: 0, dead: 0, ...more },
  });
  const serves = (by: string, when: number) => ({ by, at: when, what: "serves" as const });
  const receptionOf = (more: Partial<Reception>): Reception => ({
    ...{ way: "receiver", name: "r", filter: { kinds: "all" }, start: 0, looks: [], faults: [] },
    ...{ order: "none", concurrency: 1, deliveries: [], hurts: [], disturbances: [], promptMs: undefined },
    ...{ turns: [serves("r0", 0)], said: [said(7)], allowed: [more.filter ?? { kinds: "all" }], ...more },
  });
  const received = (seqs: readonly number[], more: Partial<Reception> = {}) =>
    findings({ followers: [receptionOf({ deliveries: deliveries(seqs), ...more })] });

  test("nothing in what came, in any order, or again after it was refused", () => {
    expect(received([1, 2, 3, 4, 6, 7])).toEqual([]);
    expect(received([7, 3, 1, 2, 4, 6])).toEqual([]);
    expect(received([1, -2, -2, 3, 2, 4, 6, 7])).toEqual([]);
  });

  test("what never came, or was never accepted", () => {
    expect(received([1, 2, 3, 4, -7], { said: [said(4, { lag: 2 })] })).toEqual([
      "r: gap: 6 (message native m6) never came",
      "r: gap: 7 (message native m7) never came",
      "r: left: 2 behind, 0 put aside, 0 dead",
    ]);
  });

  test("what came again, more often than the service was hurt", () => {
    expect(received([1, 2, 2, 3, 4, 6, 7])).toEqual([
      "r: double: 1 came again, 2 (message native m2) first: 0 at most may",
    ]);
    const again = [1, 2, 3, 4, 6, 7, 1, 2, 3, 4, 6, 7];
    expect(received(again, { hurts: [59] })).toEqual([]);
    expect(received([...again, ...LOG_SEQS, 1, 2, 3, 4, 6], { hurts: [59] })).toEqual([
      "r: double: 17 came again, 1 (message native m1), 2 (message native m2), 3 (message native m3) first: " +
        "16 at most may",
    ]);
  });

  test("disorder among what one sender sent, where the order was promised", () => {
    const order = "sender";
    expect(received([1, 4, 2, -3, 3, 6, 7], { order })).toEqual([]);
    expect(received([1, 3, 2, 4, 6, 7], { order })).toEqual([
      "r: disorder: 3 (message native m3) came before 2 (message native m2) of its sender was accepted",
    ]);
    expect(received([1, -2, 3, 2, 4, 6, 7], { order })).toEqual([
      "r: disorder: 3 (message native m3) came before 2 (message native m2) of its sender was accepted",
    ]);
    // From the start once more, after the service was hurt.
    expect(received([1, 2, 3, 2, 3, 4, 6, 7], { order, hurts: [25] })).toEqual([]);
  });

  test("an event before the message that it is about", () => {
    const status = record(8, { kind: "status", source: "wa", event_key: "e8", message_id: "m7" });
    const log = [...LOG, status];
    const stored = log.map((each) => ({ seq: takenOf(each).seq, key: keyOf(each) }));
    const posts = log.map((each) => post(each));
    const given = [...deliveries([1, 2, 3, 4, 6]), { ...takenOf(status), at: 60, by: "r0", acceptedAt: 61 }];
    const last = { ...at(7), at: 70, by: "r0", acceptedAt: 71 };
    const reception = receptionOf({ order: "sender", deliveries: [...given, last], said: [said(8)] });
    expect(findings({ log, stored, posts, followers: [reception] })).toEqual([
      "r: disorder: 8 (status wa e8) came before 7 (message native m7) of its sender was accepted",
    ]);
  });

  test("what its filter leaves out, and what was shown in another form", () => {
    expect(received([1, 2, 3, 4, 6, 7], { filter: {} })).toEqual([
      "r: unwanted: 4 (status wa e4) doesn't match the filter, or lies before the start",
    ]);
    const other = deliveries([1, 2, 3, 4, 6, 7]).map((each) => ({ ...each, digest: each.digest + 1 }));
    expect(received([], { deliveries: other })).toHaveLength(5 + 1);
  });

  test("nothing in what a filter let through for a while, and in what that left out", () => {
    const more = { filter: { kinds: "status" }, allowed: [{ kinds: "status" }, {}] };
    expect(received([1, 4], more)).toEqual([]);
    expect(received([1, 2], more)).toContain("r: gap: 4 (status wa e4) never came");
  });

  test("that not all that was sent was delivered, put aside, dead or still behind, and the run is void", () => {
    const early = said(4, { answeredAt: 25, lag: 2 });
    const all = [1, 2, 3, 4, 6, 7];
    expect(received(all, { said: [{ ...early, putAside: 1 }, said(7)] })).toEqual([]);
    expect(received(all, { said: [early, said(7)] })).toEqual([
      "r: void: up to 4 more was neither delivered nor put aside (0) or dead (0)",
    ]);
    expect(received(all, { said: [said(4, { lag: 3 }), said(7)] })).toEqual([
      "r: void: 3 behind 4 are more than there are",
    ]);
    expect(received(all, { said: [said(4, { lag: 3, isInactive: true }), said(7)] })).toEqual([]);
    expect(received(all, { said: [said(7, { putAside: 2, dead: 3 })] })).toEqual([
      "r: void: 6 sent, 6 delivered, 3 dead, 2 put aside, 0 behind",
      "r: left: 0 behind, 2 put aside, 3 dead",
    ]);
  });

  test("a request of another replica than the one that serves it", () => {
    const from = (...who: readonly string[]) =>
      deliveries([1, 2, 3, 4, 6, 7]).map((each, place) => ({
        ...each,
        ...{ by: who[place] ?? "r0", at: 1000 * place, acceptedAt: 1000 * place },
      }));
    const late = { said: [said(7, { answeredAt: 9000 })] };
    const taken = { deliveries: from("r0", "r0", "r1", "r1", "r1", "r1"), ...late };
    expect(received([], { ...taken, turns: [serves("r0", 0), serves("r1", 1900)] })).toEqual([]);
    expect(received([], { ...taken, turns: [serves("r0", 0), serves("r1", 2300)] })).toEqual([
      "r: overlap: 3 came from r1 while r0 served it",
    ]);
    const back = { deliveries: from("r0", "r1", "r0", "r0", "r0", "r0"), ...late };
    expect(received([], { ...back, turns: [serves("r0", 0), serves("r1", 990)] })).toEqual([
      "r: overlap: 3 came from r0 while r1 served it",
    ]);
    const returned = [serves("r0", 0), serves("r1", 990), serves("r0", 1990)];
    expect(received([], { ...back, turns: returned })).toEqual([]);
    // Its line was never written.
    const killed = { by: "r1", at: 1500, what: "was killed" as const };
    expect(received([], { ...back, turns: [serves("r0", 0), killed, serves("r0", 1990)] })).toEqual([]);
  });

  test("what came late although nothing was done to the service", () => {
    const slow = deliveries([1, 2, 3, 4, 6, 7]).map((each) => ({ ...each, acceptedAt: 50_000 }));
    const late = { deliveries: slow.slice(0, 1), said: [said(1, { lag: 5 })], promptMs: 3000 };
    const came = "r: late: 1 (message native m1) came 49985 ms after it was acknowledged";
    expect(received([], late)).toContain(came);
    expect(received([], { ...late, disturbances: [{ from: 20_000, to: 20_100 }] })).not.toContain(came);
    expect(received([], { ...late, disturbances: [{ from: 50_001, to: 50_100 }] })).toContain(came);
  });

  test("that the service says nothing of it", () => {
    expect(received([1, 2, 3, 4, 6, 7], { said: [] })).toEqual(["r: left: the service said nothing of it"]);
  });
});

test("a filter lets through what has all that it names, and no event has a sender", () => {
  const status = record(1, { kind: "status", source: "wa", event_key: "e" });
  const { from: _, ...event } = status;
  const message = record(2, { source: "wa", from: "+1" });
  const which = (filter: Filter) => [event, message].map((each) => matches(filter, each));
  expect(which({})).toEqual([false, true]);
  expect(which({ kinds: "all" })).toEqual([true, true]);
  expect(which({ kinds: "status,edit" })).toEqual([true, false]);
  expect(which({ kinds: "all", from: "+1" })).toEqual([false, true]);
  expect(which({ from: "+2" })).toEqual([false, false]);
  expect(which({ kinds: "all", source: "wa" })).toEqual([true, true]);
  expect(which({ kinds: "all", source: "native" })).toEqual([false, false]);
});

test("of many findings the first are described, of each that they are about", () => {
  const many = Array.from({ length: 8 }, (_, index) => ({
    about: "a",
    what: "gap" as const,
    detail: `${index}`,
  }));
  expect(describeFindings([...many, { about: "b", what: "double", detail: "x" }])).toEqual([
    ...["a: gap: 0", "a: gap: 1", "a: gap: 2", "a: gap: 3", "a: gap: 4", "a: and 3 more"],
    "b: double: x",
  ]);
});
