/**
 * What can never work is refused before it serves, with the location in the file where it stands.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { processorMs } from "../../tests/processor-time.ts";
import { ConfigFileInvalid, mistakeLine, parseConfigFile } from "./config-file.ts";

/** Each as `LINE:COLUMN: message`; none when the file holds. */
function mistakes(text: string, environment: Record<string, string> = {}): string[] {
  try {
    parseConfigFile(text, "/etc/postern.yaml", environment);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigFileInvalid)) throw error;
    return error.mistakes.map((mistake) => mistakeLine("", mistake).slice(1));
  }
}

/** A source whose scheme stands in line 5, column 13. */
const withScheme = (scheme: string, ...more: string[]) =>
  ["sources:", "  s:", "    kind: generic", "    secret: x", `    scheme: ${scheme}`, ...more, ""].join("\n");
const HEX = 'algorithm: hmac-sha256, encoding: hex, signed: "{body}"';
const BASE64 = 'algorithm: hmac-sha256, encoding: base64, signed: "{body}"';
const STAMPED = 'algorithm: hmac-sha256, encoding: hex, signed: "{timestamp}.{body}"';
const NAMED = 'algorithm: hmac-sha256, encoding: hex, signed: "{id}.{nonce}.{body}"';

describe("a scheme by which no request can be accepted is a mistake:", () => {
  test.each([
    [
      "a header with a space",
      '{ header: "X Bad", algorithm: token }',
      "5:23",
      /header: .*no name of a header/,
    ],
    ["a header beyond ASCII", '{ header: "Ünï", algorithm: token }', "5:23", /no name of a header/],
    ["a pseudo-header", '{ header: ":path", algorithm: token }', "5:23", /no name of a header/],
    ["a header with a line end", '{ header: "X\\n", algorithm: token }', "5:23", /no name of a header/],
    ["a header of HTTP's own", `{ header: Transfer-Encoding, ${HEX} }`, "5:23", /HTTP itself uses/],
    ["the header of the host", `{ header: host, ${HEX} }`, "5:23", /HTTP itself uses/],
    ["the type as a signature", `{ header: Content-Type, ${HEX} }`, "5:23", /HTTP itself uses/],
    ["a bad second header", `{ header: X, id_header: "a b", ${HEX} }`, "5:37", /id_header: .*no name/],
    [
      "an empty header",
      `{ header: X, timestamp_header: "", ${STAMPED} }`,
      "5:44",
      /timestamp_header: .*no place/,
    ],
    ["a space before a prefix", `{ header: X, prefix: " v0=", ${HEX} }`, "5:23", /no header can carry what/],
    ["a prefix beyond Latin-1", `{ header: X, prefix: "ж", ${HEX} }`, "5:23", /no header can carry what/],
    ["no separator", `{ header: X, separator: "", ${HEX} }`, "5:13", /would be refused/],
    ["a digit as a separator", `{ header: X, separator: a, ${HEX} }`, "5:13", /would be refused/],
    ["a separator of base64", `{ header: X, separator: /, ${BASE64} }`, "5:13", /would be refused/],
    ["a separator in a prefix", `{ header: X, prefix: "v,", separator: ",", ${HEX} }`, "5:13", /right form/],
    ["a version in two", `{ header: X, version: v=1, version_separator: "=", ${HEX} }`, "5:13", /right form/],
    [
      "a version of nothing",
      `{ header: X, version: v1, version_separator: "", ${HEX} }`,
      "5:13",
      /right form/,
    ],
    ["a part of the whole", `{ header: X, timestamp_part: t, ${STAMPED} }`, "5:13", /would be refused/],
    [
      "no time to travel",
      `{ header: X, timestamp_header: T, tolerance_seconds: 0, ${STAMPED} }`,
      "5:13",
      /more than 0 s/,
    ],
    ["one header for two", `{ header: X, timestamp_header: X, ${STAMPED} }`, "5:13", /would be refused/],
    ["one in other letters", `{ header: X, timestamp_header: x, ${STAMPED} }`, "5:13", /would be refused/],
    [
      "one for id and nonce",
      `{ header: X, id_header: I, nonce_header: i, ${NAMED} }`,
      "5:13",
      /would be refused/,
    ],
  ])("a scheme by which no request can be accepted is a mistake: %s", (_, scheme, location, words) => {
    const found = mistakes(withScheme(scheme));
    expect(found).toEqual([expect.stringMatching(words)]);
    expect(found[0]).toStartWith(`${location}: sources.s.scheme`);
  });

  test("a header of deliveries that no request can have is a mistake", () => {
    const found = mistakes(withScheme(`{ header: X, ${HEX} }`, '    delivery_id_header: "X Y"'));
    expect(found).toEqual([expect.stringMatching(/^6:25: sources.s.delivery_id_header: .*no name/)]);
  });
});

describe("a scheme that can work is taken:", () => {
  test.each([
    `{ header: Authorization, prefix: "Bearer ", ${HEX} }`,
    `{ header: x_y.z, separator: ",", ${HEX} }`,
    `{ header: X, prefix: "v0=", separator: " ", ${HEX} }`,
    `{ header: X, timestamp_part: t, separator: ",", version: v1, version_separator: "=", ${STAMPED} }`,
    `{ header: X, timestamp_header: T, tolerance_seconds: 1, ${STAMPED} }`,
    "{ header: Authorization, algorithm: jwt-hs256, clock_tolerance_seconds: 0 }",
    "{ header: Cookie, algorithm: token }",
  ])("a scheme that can work is taken: %s", (scheme) => expect(mistakes(withScheme(scheme))).toEqual([]));
});

describe("a secret that arrives as it is", () => {
  const tokens = (...secrets: string[]) =>
    mistakes(`sources:\n  bot:\n    kind: telegram\n    secret: ${JSON.stringify(secrets)}`);

  test("a secret that arrives as it is is tried by itself, each of a list, and is a mistake where no header can carry it", () => {
    const found = tokens(
      "good",
      "пароль",
      " x",
      "x\t",
      "x\n",
      "a\u0001b",
      "a\u007f",
      "a b",
      "naïve",
      "\u{1f511}",
    );
    const locations = found.map(
      (line) => /^4:\d+: sources.bot.secret\[(\d)\]: no header can carry this/.exec(line)?.[1],
    );
    expect(locations).toEqual(["1", "2", "3", "4", "5", "6", "9"]);
    expect(found.join()).not.toContain("пароль");
  });

  test("a secret that arrives as it is may be anything where it only signs", () => {
    const secrets = JSON.stringify(["пароль", " x ", "a\u0001b", "\u{1f511}", "x\n"]);
    expect(mistakes(`sources: { s: { kind: meta, secret: ${secrets} } }`)).toEqual([]);
  });
});

test("a secret that ends with two newlines is a mistake, wherever it comes from", () => {
  const text = `sources:\n  s:\n    kind: slack\n    secret: ["\${A}", "b\\n\\n", "c\\r\\n\\r\\n", "d\\n"]`;
  expect(mistakes(text, { A: "a\n\n" })).toEqual([
    expect.stringMatching(/^4:14: sources.s.secret\[0\]: it ends with two newlines/),
    expect.stringMatching(/^4:22: sources.s.secret\[1\]: it ends with two newlines/),
    expect.stringMatching(/^4:31: sources.s.secret\[2\]: it ends with two newlines/),
  ]);
});

test.each(["https://a:99999/", "https://%/", "https://a b/"])(
  "a public URL that is none is a mistake: %s",
  (url) => {
    const text = `sources:\n  s:\n    kind: twilio\n    secret: x\n    public_url: "${url}"`;
    expect(mistakes(text)).toEqual([expect.stringMatching(/^5:17: sources.s.public_url/)]);
  },
);

test("half of a character in a text is a mistake: neither a query nor a key can hold it", () => {
  const text = 'sources:\n  s: { kind: meta, secret: x, verify_token: "a\\ud800" }';
  expect(mistakes(text)).toEqual([
    expect.stringMatching(/^2:45: sources.s.verify_token: .*half of a character/),
  ]);
});

describe("a file is read in an instant, whatever it repeats:", () => {
  setDefaultTimeout(60_000);
  const RUNS = [
    "{",
    "[",
    "=",
    "{a: ",
    "[a, ",
    "}",
    "]",
    "- ",
    "? ",
    ": ",
    "a: ",
    "&a ",
    "*a ",
    "!a ",
    '"',
    "|\n",
    ">\n",
    "%",
    "---\n",
  ];
  const MORE = [
    "\t",
    "\r\n",
    "\n",
    " ",
    " #\n",
    "a\n",
    "a: b\n",
    "- a\n",
    "{}",
    " []",
    "${",
    "${A}",
    "\n  a: {}",
    "\n  - ",
    "\\",
    "'",
  ];
  test.each([...RUNS, ...MORE])("a file is read in an instant, whatever it repeats: %j", (run) => {
    const long = run.repeat(Math.ceil(300_000 / run.length));
    for (const text of [
      `sources: ${long}\n`,
      `sources:\n  a: { kind: generic, preset: adyen, secret: "${long}x" }\n`,
      `sources:\n  a: { kind: generic, preset: adyen, secret: '${long}x' }\n`,
    ]) {
      expect(processorMs(() => expect(mistakes(text)).not.toEqual([]))).toBeLessThan(5000);
    }
  });

  test("a file of long names above many values is refused in an instant", () => {
    const above = Array.from(
      { length: 60 },
      (_, depth) => `${" ".repeat(depth)}${"k".repeat(1000)}${depth}:`,
    );
    const values = Array.from({ length: 9000 }, (_, index) => `${" ".repeat(60)}a${index}:`);
    expect(mistakes([...above, ...values].join("\n"))).toEqual([expect.stringMatching(/very long names/)]);
  });

  test("a file that is as long as it may be holds", () => {
    const lines = (name: number) => [
      `  sms-${name}:`,
      "    kind: twilio",
      `    secret: "secret number ${name} of many, as they are"`,
      `    public_url: https://hooks.example.org/webhook/sms-${name}`,
    ];
    const text = ["sources:", ...Array.from({ length: 7000 }, (_, name) => lines(name)).flat()].join("\n");
    expect(text.length).toBeWithin(900_000, 1024 * 1024);
    expect(mistakes(text)).toEqual([]);
  });
});
