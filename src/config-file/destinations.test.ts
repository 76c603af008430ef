import { describe, expect, test } from "bun:test";
import { RECORD_KINDS } from "../core/changes.ts";
import { DESTINATIONS_MAX } from "../core/destination-config.ts";
import { HTTP } from "../follow/deliver/http-kind.ts";
import { ConfigFileInvalid, mistakeLine, parseConfigFile } from "./config-file.ts";
import { DESTINATION_DEFAULTS, destinationSchema } from "./destination-schema.ts";

const SECRET = "whsec_c2VjcmV0IG9mIGEgdGVzdCE=";
const URL_LINE = "url: https://app.example.org/hooks";
const SECRET_LINE = `secret: ${SECRET}`;
const SOURCES = "sources: { chat: { kind: slack, secret: x }, sms: { kind: viber, secret: x } }";

/** Two sources and one destination `app`, whose members begin in line 4, column 5. */
const file = (...lines: string[]) =>
  [SOURCES, "destinations:", "  app:", ...lines.map((line) => `    ${line}`), ""].join("\n");
/** The same with what has to be there. */
const more = (...lines: string[]) => file(URL_LINE, SECRET_LINE, ...lines);

const parse = (text: string, environment: Record<string, string> = {}) =>
  parseConfigFile(text, "postern.yaml", environment);

/** Each as `LINE:COLUMN: message`. */
function mistakes(text: string, environment: Record<string, string> = {}): string[] {
  try {
    parse(text, environment);
  } catch (error) {
    if (!(error instanceof ConfigFileInvalid)) throw error;
    return error.mistakes.map((mistake) => mistakeLine("", mistake).slice(1));
  }
  throw new Error("not refused");
}

const warnings = (text: string) => parse(text).warnings.map((warning) => mistakeLine("", warning).slice(1));

describe("what a file says of destinations", () => {
  test("of what a file doesn't say of a destination the defaults count", () => {
    expect(parse(more()).destinations).toEqual([
      {
        name: "app",
        url: "https://app.example.org/hooks",
        secrets: [SECRET],
        kinds: ["message"],
        sources: undefined,
        from: undefined,
        to: undefined,
        order: "sender",
        concurrency: 8,
        ratePerS: undefined,
        timeoutMs: 15_000,
        retryMs: [5, 30, 120, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400].map((s) => s * 1000),
        start: "now",
        allowPrivate: false,
        options: {},
      },
    ]);
  });

  test("whatever a file says of destinations is read, in its order, with references put in", () => {
    const text = more(
      "kinds: [status, message, status]",
      "sources: [chat, native, chat]",
      'from: "+919876543210"',
      'to: "${TO}"',
      "order: none",
      "concurrency: 256",
      "rate: 30/m",
      "timeout: ${TIMEOUT:-2m}",
      "retry: [100ms, 7d]",
      "start: 2025-01-15T10:00:00Z",
      "allow_private: true",
    ).replace(SECRET_LINE, 'secret: ["${NEW}", abcdefghijklmnop]');
    const both =
      `${text}  other: { url: "http://[::1]:8080/", secret: *s, kinds: all, sources: sms, retry: 1h, allow_private: true }\n`
        .replace(SOURCES, `${SOURCES}\n`)
        .replace("abcdefghijklmnop", "&s abcdefghijklmnop");
    const [app, other, ...rest] = parse(both, { NEW: SECRET, TO: "+14155550100" }).destinations;
    expect(rest).toEqual([]);
    expect(app).toEqual({
      name: "app",
      url: "https://app.example.org/hooks",
      secrets: [SECRET, "abcdefghijklmnop"],
      kinds: ["message", "status"],
      sources: ["chat", "native"],
      from: "+919876543210",
      to: "+14155550100",
      order: "none",
      concurrency: 256,
      ratePerS: 0.5,
      timeoutMs: 120_000,
      retryMs: [100, 604_800_000],
      start: "2025-01-15T10:00:00Z",
      allowPrivate: true,
      options: {},
    });
    expect(other).toMatchObject({
      url: "http://[::1]:8080/",
      secrets: ["abcdefghijklmnop"],
      kinds: [...RECORD_KINDS],
      sources: ["sms"],
      retryMs: [3_600_000],
    });
  });

  test.each(["all", "[all]", "[message, all]"])("every kind is meant by kinds: %s", (kinds) => {
    expect(parse(more(`kinds: ${kinds}`)).destinations[0]?.kinds).toEqual([...RECORD_KINDS]);
  });

  test.each(RECORD_KINDS.filter((kind) => kind !== "message"))("a kind alone is that kind: %s", (kind) => {
    expect(parse(more(`kinds: ${kind}`)).destinations[0]?.kinds).toEqual([kind]);
  });

  test("a file may have destinations alone, none of them, and as many as are allowed", () => {
    expect(parse("destinations: {}")).toMatchObject({ sources: [], destinations: [] });
    const many = (count: number) =>
      `destinations:\n${Array.from({ length: count }, (_, index) => `  d${index}: { ${URL_LINE}, ${SECRET_LINE} }\n`).join("")}`;
    expect(parse(many(DESTINATIONS_MAX)).destinations).toHaveLength(DESTINATIONS_MAX);
    expect(mistakes(many(DESTINATIONS_MAX + 2))).toEqual([
      `${DESTINATIONS_MAX + 2}:3: there are more than ${DESTINATIONS_MAX} destinations`,
    ]);
  });

  test("the schema shows each default as it counts", () => {
    const { properties } = destinationSchema(HTTP) as { properties: Record<string, { default?: unknown }> };
    const shown = Object.entries(properties).filter(([, option]) => Object.hasOwn(option, "default"));
    const defaults = { ...DESTINATION_DEFAULTS, allow_private: false };
    expect(Object.fromEntries(shown.map(([name, option]) => [name, option.default]))).toEqual(defaults);
    const said = Object.entries(defaults).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
    expect(parse(more(...said)).destinations).toEqual(parse(more()).destinations);
  });
});

describe("a mistake in a destination", () => {
  test.each<[what: string, text: string, location: string, words: RegExp]>([
    [
      "no mapping of them",
      "destinations:",
      "1:1",
      /destinations must be a mapping .*url: …, secret: … } }; {} when/,
    ],
    ["a list of them", "destinations: []", "1:15", /must be a mapping/],
    ["a name near it", "destination: {}\nsources: {}", "1:1", /did you mean destinations\?/],
    ["another name", "zzz: {}\nsources: {}", "1:1", /it takes sources and destinations/],
    ["nothing", "destinations:\n  app:", "2:3", /destinations.app must be a mapping with url and secret/],
    [
      "a bad name",
      `destinations:\n  My_App: { ${URL_LINE}, ${SECRET_LINE} }`,
      "2:3",
      /destination must be a-z, 0-9/,
    ],
    [
      "one name twice",
      `${more()}  app: { ${URL_LINE}, ${SECRET_LINE} }`,
      "6:3",
      /"app" stands here again.*line 3/,
    ],
    [
      "no url",
      file(SECRET_LINE),
      "3:3",
      /app.url is missing: where records go: a URL that begins with https:/,
    ],
    ["no secret", file(URL_LINE), "3:3", /app.secret is missing: what signs/],
    ["an unknown member", more("secrte: x"), "6:5", /"secrte" is unknown \(did you mean secret\?\)/],
    [
      "another unknown one",
      more("zzz: x"),
      "6:5",
      /"zzz" is unknown: it takes url, secret, allow_private, body, verify_token, kinds, sources, from/,
    ],
    ["one of JavaScript's", more("__proto__: x"), "6:5", /"__proto__" is unknown/],
    ["another protocol", file("url: ftp://example.org", SECRET_LINE), "4:10", /https:\/\/ or http:\/\//],
    ["no protocol", file("url: example.org/hooks", SECRET_LINE), "4:10", /https:\/\/ or http:\/\//],
    ["a user", file("url: https://me@example.org", SECRET_LINE), "4:10", /without a user, a password/],
    ["a password", file('url: "https://a:b@example.org"', SECRET_LINE), "4:10", /without a user, a password/],
    ["a fragment", file("url: https://example.org/#a", SECRET_LINE), "4:10", /a fragment \(#\)/],
    ["an empty fragment", file("url: https://example.org/#", SECRET_LINE), "4:10", /a fragment \(#\)/],
    ["a space", file("url: https://example.org/a b", SECRET_LINE), "4:10", /the full URL/],
    [
      "no such port",
      file("url: https://example.org:99999", SECRET_LINE),
      "4:10",
      /no URL that can be called/,
    ],
    ["no such address", file("url: https://1.2.3.4.5/", SECRET_LINE), "4:10", /no URL that can be called/],
    ["a list of urls", file("url: [https://example.org]", SECRET_LINE), "4:10", /url must be text/],
    ["a url from nowhere", file("url: ${NOWHERE}", SECRET_LINE), "4:10", /variable NOWHERE is not set/],
    ["an empty secret", file(URL_LINE, "secret:"), "5:5", /secret is empty/],
    ["a blank secret", file(URL_LINE, "secret: ' '"), "5:13", /secret is blank/],
    ["no secret in the list", file(URL_LINE, "secret: []"), "5:13", /secret is an empty list/],
    [
      "eleven secrets",
      file(URL_LINE, `secret: [${Array(11).fill(SECRET)}]`),
      "5:13",
      /10 items.*: what signs/,
    ],
    [
      "a number as a secret",
      file(URL_LINE, "secret: 1234567890123456"),
      "5:13",
      /must be text.*: put it in quotes/,
    ],
    ["a short secret", file(URL_LINE, "secret: fifteen-letters"), "5:13", /too short.*at least 16 bytes/],
    [
      "a short one in a list",
      file(URL_LINE, `secret: [${SECRET}, short]`),
      "5:46",
      /secret\[1\] is too short/,
    ],
    ["a short decoded one", file(URL_LINE, "secret: whsec_c2VjcmV0c2VjcmV0"), "5:13", /too short/],
    ["one that is its prefix", file(URL_LINE, "secret: whsec_"), "5:13", /too short/],
    [
      "no base64",
      file(URL_LINE, "secret: whsec_it_is_no_base64_at_all"),
      "5:13",
      /follows whsec_ is no base64/,
    ],
    ["a secret with a newline", file(URL_LINE, `secret: "${SECRET}\\n"`), "5:13", /white space around it/],
    [
      "an unknown kind",
      more("kinds: [mesage]"),
      "6:13",
      /kinds\[0\] must be one of message, .*all \(did you mean message/,
    ],
    ["an unknown kind alone", more("kinds: statsu"), "6:12", /kinds must be one of .*did you mean status/],
    ["no kind", more("kinds: []"), "6:12", /kinds is an empty list/],
    [
      "an unknown source",
      more("sources: [chta]"),
      "6:15",
      /a source of this file, or native \(did you mean chat/,
    ],
    ["an unknown source alone", more("sources: zzzzz"), "6:14", /a source of this file, or native$/],
    ["no source", more("sources: []"), "6:14", /sources is an empty list/],
    ["a number as a sender", more("from: +919876543210"), "6:11", /from must be text: put it in quotes/],
    ["a blank sender", more("from: ' '"), "6:11", /from is blank/],
    ["a recipient with U+0000", more('to: "a\\0"'), "6:9", /to doesn't fit/],
    [
      "a sender of events",
      more("kinds: status", 'from: "+1"'),
      "7:11",
      /keeps everything out: events have no from/,
    ],
    ["a recipient of events", more("kinds: [echo, other]", 'to: "+1"'), "7:9", /events have no to/],
    [
      "an unknown order",
      more("order: sendr"),
      "6:12",
      /order must be one of sender, none \(did you mean sender/,
    ],
    ["no concurrency", more("concurrency: 0"), "6:18", /concurrency must be at least 1/],
    ["too much concurrency", more("concurrency: 257"), "6:18", /concurrency must be at most 256/],
    ["concurrency in quotes", more('concurrency: "8"'), "6:18", /concurrency must be a whole number/],
    ["a rate of a number", more("rate: 50"), "6:11", /rate must be text: attempts at most, such as 50\/s/],
    ["a rate of none", more("rate: 0/s"), "6:11", /rate doesn't fit: attempts at most, such as 50\/s/],
    ["a rate a day", more("rate: 50/d"), "6:11", /rate doesn't fit/],
    ["a time-out of a number", more("timeout: 15"), "6:14", /timeout must be text: how long .* 15s/],
    ["a time-out in words", more("timeout: 15 s"), "6:14", /timeout doesn't fit: how long .* 15s/],
    ["a short time-out", more("timeout: 999ms"), "6:14", /timeout must be 1s to 120s/],
    ["a long time-out", more("timeout: 121s"), "6:14", /timeout must be 1s to 120s/],
    ["no retry", more("retry: []"), "6:12", /retry is an empty list: how long to wait/],
    ["a retry of a number", more("retry: [5]"), "6:13", /retry\[0\] must be text: how long to wait/],
    ["a retry at once", more("retry: [5s, 99ms]"), "6:17", /retry\[1\] must be 100ms to 7d/],
    ["a retry next month", more("retry: 31d"), "6:12", /retry must be 100ms to 7d/],
    ["too many retries", more(`retry: [${Array(101).fill("1s")}]`), "6:12", /100 items/],
    ["a start in words", more("start: yesterday"), "6:12", /start doesn't fit: where .* now, start/],
    ["a start on no day", more("start: 2025-02-30T10:00:00Z"), "6:12", /no real date and time/],
    ["a start without a zone", more("start: 2025-02-20"), "6:12", /start doesn't fit/],
    ["a yes", more("allow_private: yes"), "6:20", /allow_private must be true or false/],
  ])(
    "a mistake in a destination is told with its place, and what would be right: %s",
    (_, text, location, words) => {
      const found = mistakes(text);
      expect(found).toHaveLength(1);
      expect(found[0]).toStartWith(`${location}: `);
      expect(found[0]).toMatch(words);
    },
  );

  test("a mistake in a destination doesn't hide those of others, nor of sources, and all are in the file's order", () => {
    const text = `destinations:
  app: { url: example.org, secret: short, sources: [chat, sms], rate: 5 }
  other: { url: https://10.0.0.1/, kinds: [mesage], sources: gone }
sources:
  chat: { kind: slak, secret: x }
`;
    expect(mistakes(text).map((line) => line.split(": ")[0])).toEqual([
      ...["2:15", "2:36", "2:59", "2:71", "3:3", "3:17", "3:44", "3:62", "5:17"],
    ]);
  });

  test("a source that is itself wrong is one of the file all the same", () => {
    expect(mistakes(more("sources: chat").replace("kind: slack", "kind: slak"))).toHaveLength(1);
    expect(mistakes(more("sources: chat").replace(SOURCES, "sources: []"))).toHaveLength(1);
  });

  test("a mistake in a destination repeats neither its secret nor its URL, whatever is wrong with them", () => {
    const hidden = "hunter2hunter2";
    for (const url of [
      `ftp://${hidden}`,
      `https://x:${hidden}@example.org`,
      `https://10.0.0.1/${hidden}`,
      `https://a:99999/${hidden}`,
    ])
      for (const secret of [hidden, `whsec_${hidden}!`, `"${hidden} "`, `[${hidden}]`, `{ ${hidden}: x }`])
        expect(mistakes(file(`url: ${url}`, `secret: ${secret}`)).join("\n")).not.toContain(hidden);
  });
});

describe("a URL of an address that isn't public", () => {
  const hosts = [
    ...["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"],
    ...["2130706433", "0x7f.1", "017700000001", "127.0.0.1.", "127.1:8080"],
    ...["[::1]", "[::ffff:10.0.0.1]", "[fd00::1]", "[fe80::1]:80"],
    ...["localhost", "LOCALHOST:8080", "localhost.", "app.localhost"],
  ];
  const at = (host: string, ...lines: string[]) =>
    file(`url: "https://${host}/hooks"`, SECRET_LINE, ...lines);

  test.each(hosts)(
    "a URL of an address that isn't public is a mistake, however it is written: %s",
    (host) => {
      for (const text of [at(host), at(host, "allow_private: false")])
        expect(mistakes(text)).toEqual([
          expect.stringMatching(
            /^4:10: destinations.app.url leads to an address that isn't public.*allow_private: true/,
          ),
        ]);
    },
  );

  test.each(hosts)("a URL of an address that isn't public is taken with allow_private: %s", (host) => {
    expect(parse(at(host, "allow_private: true")).destinations[0]?.allowPrivate).toBe(true);
  });

  test.each([
    "93.184.216.34",
    "[2606:2800:220:1::1]",
    "localhost.example.org",
    "10.0.0.1.example.org",
    "app",
  ])("a public address and any other name are taken: %s", (host) =>
    expect(parse(at(host)).destinations).toHaveLength(1),
  );
});

describe("a file as a destination", () => {
  test("needs a path alone, and takes what every destination takes", () => {
    const url = "file:///var/log/postern/{date}.ndjson";
    expect(parse(file(`url: ${url}`)).destinations).toMatchObject([{ url, secrets: [], options: {} }]);
    const [rotated] = parse(file(`url: ${url}`, "rotate: 100MB", "kinds: all")).destinations;
    expect(rotated).toMatchObject({ kinds: [...RECORD_KINDS], options: { rotate: "100MB" } });
  });

  test.each<[what: string, url: string, words: RegExp]>([
    ["a relative path", "file://a.ndjson", /the full path of the file/],
    ["a folder", "file:///var/log/", /the full path of the file/],
    ["a way out", "file:///var/log/../a", /lead straight to the file/],
    ["a hidden way out", "file:///var/log/%2e%2E/a", /lead straight to the file/],
    ["an empty part", "file:///var//a", /lead straight to the file/],
    ["no encoding", "file:///var/a%zz", /no part of an encoded character/],
    ["an encoded U+0000", "file:///var/a%00", /control character/],
    ["another word in braces", "file:///var/{day}", /knows {date} and nothing else/],
    ["a brace", "file:///var/{date", /knows {date} and nothing else/],
  ])("is told what is wrong with its path: %s", (_, url, words) => {
    const found = mistakes(file(`url: "${url}"`));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(words);
  });

  test("refuses members of other kinds, and says whose they are", () => {
    expect(mistakes(file("url: file:///a", SECRET_LINE, "allow_private: true"))).toEqual([
      '5:5: destinations.app: "secret" is for a url of https:// or http:// only',
      '6:5: destinations.app: "allow_private" is for a url of https:// or http:// only',
    ]);
    expect(mistakes(more("rotate: 1MB"))).toEqual([
      '6:5: destinations.app: "rotate" is for a url of file:// only',
    ]);
    expect(mistakes(file("url: file:///a", "rotate: 100"))[0]).toMatch(/rotate must be text: the size/);
  });

  test.each(["file:///a", "file:///%61"])("is written by one destination only: %s", (url) => {
    expect(mistakes(`${file("url: file:///a")}  other: { url: "${url}" }\n`)).toEqual([
      "5:17: destinations.other.url is that of app already, and only one may write it",
    ]);
  });
});

describe("a broker as a destination", () => {
  test.each<[url: string, options: object]>([
    [
      "amqps://user:p%40ss@host:5671/%2F",
      { exchange: "postern", routing_key: "{source}.{kind}", unroutable: "fail" },
    ],
    ["natss://token@[::1]", { subject: "postern.{source}.{kind}" }],
    ["rediss://:password@host/0", { stream: "postern" }],
  ])("needs a URL alone, which may have a user and a password: %s", (url, options) => {
    expect(parse(file(`url: "${url}"`)).destinations).toMatchObject([{ url, secrets: [], options }]);
    expect(parse(file(`url: "${url}"`)).warnings).toEqual([]);
  });

  test.each<[what: string, lines: readonly string[], words: RegExp]>([
    ["a query", ["url: amqp://host?heartbeat=1"], /url doesn't fit: the broker and its virtual host/],
    ["a password as it is", ["url: amqp://user:p/w@host"], /In a user or password \/ .* are %2F /],
    ["two parts of a path", ["url: redis://host/0/1"], /url doesn't fit: the server/],
    ["a database without a number", ["url: redis://host/main"], /url doesn't fit: the server and the number/],
    ["a path of NATS", ["url: nats://host/stream"], /url doesn't fit: the server/],
    ["two hosts", ["url: 'nats://one,two'"], /url doesn't fit: the server/],
    ["a port that there isn't", ["url: redis://host:65536"], /a port is at most 65535/],
    ["an @ in a password", ["url: 'nats://user:p@ss@host'"], /url doesn't fit: the server/],
    ["a bad escape", ["url: 'nats://user:p%zz@host'"], /a % in a user or password is written %25/],
    ["a template of something else", ["url: nats://host", "subject: '{text}'"], /subject doesn't fit/],
    ["an empty token", ["url: nats://host", "subject: a..b"], /subject doesn't fit/],
    ["a wildcard", ["url: amqp://host", "routing_key: 'a.#'"], /routing_key doesn't fit/],
    [
      "one that may become too long",
      ["url: amqp://host", `routing_key: "${"{from}".repeat(7)}"`],
      /may make names of more than 255 bytes/,
    ],
    ["a secret", ["url: redis://host", SECRET_LINE], /"secret" is for a url of https:\/\/ or http:\/\/ only/],
    [
      "a member of another broker",
      ["url: redis://host", "subject: a"],
      /is for a url of natss:\/\/ or nats:/,
    ],
    ["no entries", ["url: redis://host", "max_length: 0"], /max_length must be at least 1/],
    ["an unknown fate", ["url: amqp://host", "unroutable: keep"], /must be one of fail, drop/],
  ])("is told what is wrong: %s", (_, lines, words) => {
    const found = mistakes(file(...lines));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(words);
  });

  test("that sends a password in the clear is warned of", () => {
    expect(warnings(file("url: amqp://user:password@host"))).toEqual([
      "4:10: destinations.app.url sends its password and all records in the clear: amqps:// unless nobody else is on the way",
    ]);
    expect(warnings(file("url: redis://host"))).toEqual([]);
  });

  test("repeats its password in no mistake", () => {
    const hidden = "hunter2hunter2";
    for (const scheme of ["amqp", "amqps", "nats", "natss", "redis", "rediss", "mqtt"])
      for (const rest of ["host?a", "ho st", "host:99999999", "%zz@host", "host/%zz"])
        for (const url of [`${scheme}://user:${hidden}@${rest}`, `${scheme}://${hidden}@${rest}`]) {
          const text = file(`url: "${url}"`, "zzz: 1");
          expect(mistakes(text).join("\n")).not.toContain(hidden);
        }
  });
});

describe("what is hardly ever meant", () => {
  test("http where addresses are public is a warning, and none where private ones are allowed", () => {
    const plain = (...lines: string[]) => file("url: http://example.org/", SECRET_LINE, ...lines);
    expect(warnings(plain())).toEqual([
      "4:10: destinations.app.url is http: everyone on the way can read what is handed on",
    ]);
    expect(warnings(plain("allow_private: true"))).toEqual([]);
    expect(warnings(more())).toEqual([]);
  });

  test("concurrency that rate and timeout never let come about is a warning, where it is said", () => {
    expect(warnings(more("concurrency: 64", "rate: 1/s"))).toEqual([
      "6:18: destinations.app.concurrency is never reached: by rate and timeout at most 15 can be under way",
    ]);
    expect(warnings(more("concurrency: 64", "rate: 1/s", "timeout: 64s"))).toEqual([]);
    expect(warnings(more("rate: 1/h"))).toEqual([]);
    expect(warnings(more("concurrency: 256"))).toEqual([]);
  });
});
