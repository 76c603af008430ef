import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { newFolder } from "../../tests/folder.ts";
import { StartRefused } from "../core/errors.ts";
import { KINDS } from "../sources/kinds.ts";
import { ConfigFileInvalid, loadConfigFile, mistakeLine, parseConfigFile } from "./config-file.ts";

const folder = newFolder();
afterAll(() => folder.remove());

const parse = (text: string, environment: Record<string, string> = {}) =>
  parseConfigFile(text, join(folder.path, "postern.yaml"), environment);

function refusal(text: string, environment: Record<string, string> = {}): ConfigFileInvalid {
  try {
    parse(text, environment);
  } catch (error) {
    if (error instanceof ConfigFileInvalid) return error;
    throw error;
  }
  throw new Error("not refused");
}

/** Each as `LINE:COLUMN: message`. */
const mistakes = (text: string, environment: Record<string, string> = {}) =>
  refusal(text, environment).mistakes.map((mistake) => mistakeLine("", mistake).slice(1));

/** The entries of one source named `s`, the first of them in line 3, column 5. */
const source = (...lines: string[]) =>
  ["sources:", "  s:", ...lines.map((line) => `    ${line}`), ""].join("\n");

describe("what a file says", () => {
  test("what a file says becomes sources in its order, with variables, files and lists of secrets put in", () => {
    writeFileSync(join(folder.path, "token"), "from a file\n");
    const { sources, configs } = parse(
      `
sources:
  wa: { kind: meta, secret: ["\${A}", '\${B:-second}'], verify_token: "v-\${A}" }
  bot:
    kind: telegram
    secret: \${file:token}
    account: my_bot
`,
      { A: 'a"]}: #x\n' },
    );
    expect(sources.map(({ name, kind }) => [name, kind])).toEqual([
      ["wa", "meta"],
      ["bot", "telegram"],
    ]);
    expect([...configs]).toEqual([
      ["wa", { kind: "meta", secret: ['a"]}: #x\n', "second"], verify_token: 'v-a"]}: #x\n' }],
      ["bot", { kind: "telegram", secret: "from a file", account: "my_bot" }],
    ]);
  });

  test("a file may say nothing", () => expect(parse("sources: {}").sources).toEqual([]));

  test("what a file says may stand in anchors and aliases", () => {
    const { configs } = parse(
      "sources:\n  a: &x { kind: meta, secret: &s one }\n  b: *x\n  c: { kind: slack, secret: [*s, two] }",
    );
    expect(configs.get("b")).toEqual({ kind: "meta", secret: "one" });
    expect(configs.get("c")).toEqual({ kind: "slack", secret: ["one", "two"] });
  });

  test("a file is read with a byte order mark or without", () => {
    const path = join(folder.path, "bom.yaml");
    writeFileSync(path, `\uFEFF${source("kind: meta", "secret: x")}`);
    expect(loadConfigFile(path, {}).sources).toHaveLength(1);
  });

  test("what a file says opens sources that verify by each of the secrets", () => {
    const [opened] = parse(source("kind: telegram", "secret: [one, two]")).sources;
    for (const [token, proven] of [
      ["one", true],
      ["two", true],
      ["three", false],
    ] as const) {
      const headers = new Headers({ "X-Telegram-Bot-Api-Secret-Token": token });
      expect(opened?.verify({ method: "POST", headers, body: new Uint8Array(), url: "/" }, 0).proven).toBe(
        proven,
      );
    }
  });
});

test("the example in the repository holds, names kinds that there are, and needs what it names", () => {
  writeFileSync(join(folder.path, "telegram-token"), "x\n");
  const text = readFileSync(join(import.meta.dir, "../../postern.example.yaml"), "utf8").replaceAll(
    "/run/secrets/",
    `${folder.path}/`,
  );
  const names = [...text.matchAll(/^[^#\n]*\$\{([A-Z_]+)\}/gm)].map(([, name]) => String(name));
  const environment = Object.fromEntries(names.map((name) => [name, "a-secret-of-a-test"]));
  const { sources, destinations, warnings } = parse(text, environment);
  for (const { kind } of sources) expect(Object.keys(KINDS)).toContain(kind);
  expect(destinations.map(({ name }) => name)).toEqual(["app", "statistics"]);
  expect(warnings.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^sources.bot: .* doesn't cover the body/),
  ]);
  for (const name of names)
    expect(mistakes(text, { ...environment, [name]: "" }).join()).toContain(` ${name} `);
});

test("a source with the header of a provider who wants answers is told which preset gives them", () => {
  const told = (header: string, more: object = {}) => {
    const scheme = { header, algorithm: "hmac-sha256", encoding: "hex", signed: "{sha256(body)}" };
    const config = { sources: { hooks: { kind: "generic", secret: "x", scheme, ...more } } };
    return parse(JSON.stringify(config)).warnings.map(({ message }) => message);
  };
  expect(told("X-ZM-Signature")).toEqual([
    "sources.hooks: Zoom signs by this header, and wants answers that this source doesn't give: preset: zoom does",
  ]);
  for (const header of ["x-xero-signature", "X-WC-Webhook-Signature", "Twitch-Eventsub-Message-Signature"])
    expect(told(header)).toEqual([expect.stringMatching(/preset: (xero|woocommerce|twitch) does$/)]);
  // Nothing to answer, or a header of several.
  for (const header of ["X-Shopify-Hmac-Sha256", "X-Hub-Signature-256", "webhook-signature", "X-Own"])
    expect(told(header)).toEqual([]);
  expect(told("x-zm-signature", { answer: { body: "" } })).toEqual([]);
  expect(told("x-zm-signature", { preset: "zoom" })).toEqual([]);
});

describe("a mistake is told with its line and column, and what would be right:", () => {
  const good = ["kind: meta", "secret: x"];
  const scheme = "{ header: X, algorithm: hmac-sha256, encoding: hex";
  test.each<[what: string, text: string, ...expected: (string | RegExp)[]]>([
    ["an empty file", "", "1:1", /must be a mapping/],
    ["a list", "- a", "1:1", /must be a mapping/],
    ["no sources", "{}", "1:1", /sources is missing/],
    ["empty sources", "sources:\n", "1:1", /must be a mapping .* {} when there are none/],
    ["another name at the top", "source: {}\nsources: {}", "1:1", /"source".*did you mean sources/],
    ["a source that is nothing", "sources:\n  a:\n", "2:3", /sources.a must be a mapping with kind/],
    ["a bad name", "sources:\n  My_App: { kind: meta, secret: x }", "2:3", /a-z, 0-9 and -/],
    ["a long name", `sources:\n  ${"a".repeat(33)}: { kind: meta, secret: x }`, "2:3", /32 characters/],
    ["the reserved name", "sources:\n  native: { kind: meta, secret: x }", "2:3", /taken by POST .webhook/],
    ["a number as a name", "sources:\n  1: { kind: meta, secret: x }", "2:3", /in quotes/],
    ["a name twice", source(...good, "secret: y"), "5:5", /"secret" stands here again.* line 4/],
    [
      "a source twice",
      "sources:\n  a: { kind: meta, secret: x }\n  a: { kind: slack, secret: x }",
      "3:3",
      /line 2/,
    ],
    ["no kind", source("secret: x"), "2:3", /s.kind is missing: one of meta, twilio, .*generic/],
    ["an unknown kind", source("kind: metta", "secret: x"), "3:11", /one of meta, .*did you mean meta/],
    ["a kind of JavaScript's", source("kind: constructor", "secret: x"), "3:11", /one of meta/],
    ["no secret", source("kind: meta"), "2:3", /s.secret is missing/],
    ["an empty secret", source("kind: meta", "secret:"), "4:5", /s.secret is empty/],
    ["a blank secret", source("kind: meta", 'secret: " "'), "4:13", /s.secret is blank/],
    ["a blank one in a list", source("kind: meta", 'secret: [a, ""]'), "4:17", /s.secret\[1\] is blank/],
    ["an empty list of secrets", source("kind: meta", "secret: []"), "4:13", /empty list/],
    ["a number for a secret", source("kind: meta", "secret: 123"), "4:13", /must be text.*in quotes/],
    ["a mapping for a secret", source("kind: meta", "secret: { a: b }"), "4:13", /must be text or a list/],
    ["a secret of nothing", source("kind: meta", "secret: ${X:-}"), "4:13", /is blank/],
    ["a secret that is missing", source("kind: meta", "secret: ${X}"), "4:13", /variable X is not set/],
    ["a file that is missing", source("kind: meta", "secret: ${file:/nowhere}"), "4:13", /"\/nowhere"/],
    ["an unknown option", source(...good, "verify_tokn: x"), "5:5", /did you mean verify_token/],
    [
      "another unknown one",
      source(...good, "zzz: x"),
      "5:5",
      /it takes kind, secret, public_url, allow_from, keep_headers, verify/,
    ],
    [
      "a header that is never kept",
      source(...good, "keep_headers: [X-Ok, Authorization]"),
      "5:26",
      /keep_headers\[1\]: a header that may prove who sent a request is never kept/,
    ],
    [
      "the scheme's own header",
      source("kind: generic", "secret: x", "preset: 360dialog", "keep_headers: [X-360dialog-Signature]"),
      "6:20",
      /never kept/,
    ],
    ["no name of a header", source(...good, "keep_headers: ['X Y']"), "5:20", /no name of a header/],
    ["no list of headers", source(...good, "keep_headers: X-Ok"), "5:19", /keep_headers/],
    ["one of JavaScript's", source(...good, "__proto__: x"), "5:5", /"__proto__" is unknown/],
    ["another kind's option", source(...good, "preset: github"), "5:5", /of kind meta but of generic/],
    ["a blank token", source(...good, "verify_token: ' '"), "5:19", /verify_token is blank/],
    ["a number for a text", source("kind: telegram", "secret: x", "account: 12"), "5:14", /in quotes/],
    ["no URL where it is signed", source("kind: twilio", "secret: x"), "2:3", /s.public_url is missing/],
    [
      "no URL for a preset that signs it",
      source("kind: generic", "secret: x", "preset: messagebird"),
      "2:3",
      /public_url is missing: the provider signs/,
    ],
    ["a URL that is none", source(...good, "public_url: https://a b"), "5:17", /full URL/],
    ["neither preset nor scheme", source("kind: generic", "secret: x"), "2:3", /needs a preset or a scheme/],
    [
      "an unknown preset",
      source("kind: generic", "secret: x", "preset: git-hub"),
      "5:13",
      /one of github, .*mean github/,
    ],
    [
      "a choice that is none",
      source("kind: vonage", "secret: x", "scheme: jwtt"),
      "5:13",
      /one of jwt, .*mean jwt/,
    ],
    [
      "a scheme that lacks something",
      source("kind: generic", "secret: x", "scheme: { header: X }"),
      "5:13",
      /scheme: a scheme needs an algorithm, or a preset/,
    ],
    [
      "a template without the body",
      source("kind: generic", "secret: x", `scheme: ${scheme}, signed: "{timestamp}", timestamp_header: T }`),
      "5:73",
      /must contain {body}/,
    ],
    [
      "a timestamp from nowhere",
      source("kind: generic", "secret: x", `scheme: ${scheme}, signed: "{timestamp}{body}" }`),
      "5:13",
      /which header/,
    ],
    [
      "a secret of another encoding",
      source(
        "kind: generic",
        "secret: [ab, xyz]",
        `scheme: ${scheme}, signed: "{body}", secret_encoding: hex }`,
      ),
      "4:18",
      /s.secret\[1\]: the secret is no hexadecimal/,
    ],
    [
      "a number out of its range",
      source("kind: generic", "secret: x", `scheme: ${scheme}, signed: "{body}", tolerance_seconds: 86401 }`),
      "5:102",
      /at most 86400/,
    ],
    [
      "a path that is none",
      source(
        "kind: generic",
        "secret: x",
        "preset: github",
        "map: [{ message_id: id }, { from: [a, b..c] }]",
      ),
      "6:43",
      /map\[1\].from\[1\] doesn't fit: the sender/,
    ],
    [
      "a condition on no path",
      source("kind: generic", "secret: x", "preset: github", "map: { when: { a..b: x } }"),
      "6:10",
      /no path such as/,
    ],
    [
      "a map that can never match",
      source(
        "kind: generic",
        "secret: x",
        "preset: github",
        "map: [{ event: other }, { event: status, when: { a: 1 } }]",
      ),
      "6:29",
      /map\[1\]: a map before it takes all of its items/,
    ],
    [
      "an outbound of an event",
      source("kind: generic", "secret: x", "preset: github", "map: { event: echo, outbound: { a: true } }"),
      "6:35",
      /map.outbound: every item .* kind echo/,
    ],
    [
      "a handshake that answers every POST",
      source(
        "kind: generic",
        "secret: x",
        "preset: github",
        "handshakes:",
        "  - { match: {}, signed: false, answer: { text: a } }",
      ),
      "7:18",
      /handshakes\[0\].match: every POST/,
    ],
    [
      "an HMAC for anybody",
      source(
        "kind: generic",
        "secret: x",
        "preset: github",
        "handshakes:",
        '  - { match: { header: { A: "*" } }, signed: false, answer: { text: "{hmac-sha256(header.A)}" } }',
      ),
      "7:65",
      /handshakes\[0\].answer: an HMAC of what anybody sends/,
    ],
    [
      "an answer that can't have a body",
      source("kind: generic", "secret: x", "preset: github", "answer: { status: 204, body: x }"),
      "6:13",
      /s.answer: an answer 204 has no body/,
    ],
    [
      "a delivery's place that is none",
      source("kind: generic", "secret: x", "preset: github", "delivery_id: X-Id"),
      "6:18",
      /delivery_id: "X-Id" is no place/,
    ],
    ["an alias of nothing", source("kind: meta", "secret: *x"), "4:13", /named before/],
    ["an alias of what it is in", source("kind: meta", "secret: &x [*x]"), "4:17", /named before/],
    ["a tab", "sources:\n\ta: {}", "2:1", /spaces, not tabs/],
    ["an open bracket", "sources: [\n", "2:1", /./],
    ["a second colon", "sources:\n  a: b: c", "2:6", /second colon/],
    ["a reserved character", source("kind: meta", "secret: @x"), "4:13", /in quotes/],
    ["an unknown escape", source("kind: meta", 'secret: "\\q"'), "4:14", /\\\\/],
    [
      "a reference that YAML takes apart",
      source("kind: meta", "secret: [${A}, ${B}]"),
      "4:15",
      /within \[ \] and { } a \${…} must be in quotes/,
    ],
    ["a tag", source("kind: meta", "secret: !vault x"), "4:13", /tags/],
    ["two documents", "sources: {}\n---\nsources: {}", "2:1", /one document/],
  ])(
    "a mistake is told with its line and column, and what would be right: %s",
    (_, text, location, words) => {
      const found = mistakes(text);
      expect(found).toHaveLength(1);
      expect(found[0]).toStartWith(`${location}: `);
      expect(found[0]).toMatch(words as RegExp);
      expect(found[0]).not.toContain("\n");
    },
  );

  test.each([
    ["there is none", "missing.yaml", /no such file/],
    ["it is a folder", ".", /folder/],
    ["it is no text", "binary.yaml", /UTF-8/],
    ["it is too large", "large.yaml", /1048576 bytes/],
  ])("a file that can't be read is a mistake: %s", (_, name, words) => {
    writeFileSync(join(folder.path, "binary.yaml"), Uint8Array.of(0xff, 0xfe));
    writeFileSync(join(folder.path, "large.yaml"), "#".repeat(1024 * 1024 + 1));
    const path = join(folder.path, name);
    expect(() => loadConfigFile(path, {})).toThrow(words);
    expect(() => loadConfigFile(path, {})).toThrow(`${path}:1:1: `);
  });
});

describe("all mistakes", () => {
  const text = `sources:
  native: { kind: meta }
  wa:
    kind: meta
    secret: [a, " ", "\${MISSING}"]
    verify_tokn: x
    preset: github
  sms:
    kind: twilio
    secret: ""
  own:
    kind: generic
    secret: \${ALSO}
    scheme: { header: 1, algorithm: md6, encodin: hex }
    map:
      each: a..b
      text: [1]
  own:
    kind: slack
  birds:
    kind: generic
    preset: messagebird
    map: { when: { a..b: x } }
`;
  test("all mistakes are told at once, in the file's order", () => {
    expect(mistakes(text).map((line) => line.split(": ")[0])).toEqual([
      ...["2:3", "2:3", "5:17", "5:22", "6:5", "7:5", "8:3", "10:13", "13:13", "14:23", "14:37", "14:42"],
      ...["16:13", "17:14", "18:3", "20:3", "20:3", "23:10"],
    ]);
  });

  test("all mistakes make one line with the first and how many more there are, which refuses a start", () => {
    const error = refusal(text);
    expect(error).toBeInstanceOf(StartRefused);
    expect(error.message).toMatch(
      /postern\.yaml:2:3: .* is taken .*, and 17 more: run postern check-config$/,
    );
    expect(error.message).not.toContain("\n");
    expect(refusal(source("kind: meta", "a: b")).message).toEndWith(", and 1 more: run postern check-config");
    expect(refusal(source("kind: meta")).message).not.toContain("more");
  });
});

test.each([
  ["brackets", "[".repeat(500) + "]".repeat(500)],
  ["more brackets", "[".repeat(5000) + "]".repeat(5000)],
  ["dashes", "- ".repeat(200)],
  ["more dashes", "- ".repeat(5000)],
])("a file that is nothing but nesting is a mistake and no crash: %s", (_, text) => {
  expect(mistakes(text).join()).toContain("nested too deeply");
});

test("aliases that make a small file huge are a mistake", () => {
  const lines = ["a: &a0 [x]"];
  for (let level = 1; level < 40; level++)
    lines.push(`b${level}: &a${level} [*a${level - 1}, *a${level - 1}]`);
  expect(mistakes(lines.join("\n"))).toEqual([expect.stringContaining("more than 50000 values")]);
});

test("no message repeats a secret or a verify token, wherever a slip of the pen puts it", () => {
  const HIDDEN = "hunter2hunter2";
  const lines = [
    `sources:`,
    `  wa:`,
    `    kind: meta`,
    `    secret: [${HIDDEN}, "${HIDDEN}", \${S}]`,
    `    verify_token: ${HIDDEN}`,
    `  own:`,
    `    kind: generic`,
    `    secret: ${HIDDEN}`,
    `    verify_token: \${S}`,
    `    scheme: { header: X, algorithm: hmac-sha256, encoding: hex, secret_encoding: base64, signed: "{body}" }`,
    `destinations:`,
    `  app:`,
    `    url: https://example.org/${HIDDEN}`,
    `    secret: [${HIDDEN}${HIDDEN}, "${HIDDEN}${HIDDEN}"]`,
    `  other: { url: "https://example.org/?key=${HIDDEN}", secret: whsec_${HIDDEN}${HIDDEN} }`,
    ``,
  ];
  const text = lines.join("\n");
  const slips = [
    "",
    "\n",
    " ",
    "  ",
    "\t",
    ":",
    '"',
    "'",
    "[",
    "]",
    "{",
    "}",
    "#",
    "&",
    "*",
    "!",
    "- ",
    "|",
    "$",
    "%",
  ];
  let refused = 0;
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.nat(2), fc.constantFrom(...slips), (at, cut, slip) => {
      const slipped = text.slice(0, at) + slip + text.slice(at + cut);
      try {
        parse(slipped, { S: HIDDEN });
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigFileInvalid);
        refused += 1;
        for (const { message } of (error as ConfigFileInvalid).mistakes)
          expect(message).not.toContain("hunter2");
      }
    }),
    { numRuns: 2000 },
  );
  expect(refused).toBeGreaterThan(500);
});

test("any bytes are a configuration or a list of mistakes with locations in them, never another error", () => {
  const piece = fc.constantFrom(
    ...[
      "sources",
      ":",
      " ",
      "\n",
      "  ",
      "a",
      "kind",
      "meta",
      "secret",
      "- ",
      "[",
      "]",
      "{",
      "}",
      ",",
      '"',
      "'",
      "&a",
      "*a",
    ],
    ...[
      "!",
      "|",
      ">",
      "#",
      "?",
      "%",
      "~",
      "1",
      "${",
      "}",
      "$",
      "<<",
      "---",
      "...",
      "\t",
      "\r",
      "\u0000",
      "\ud800",
      "é",
    ],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const text = pieces.join("");
      try {
        parse(text);
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigFileInvalid);
        const { mistakes } = error as ConfigFileInvalid;
        expect(mistakes.length).toBeGreaterThan(0);
        for (const { line, column, message } of mistakes) {
          expect(line).toBeWithin(1, text.split("\n").length + 1);
          expect(column).toBeGreaterThanOrEqual(1);
          expect(message).not.toContain("\n");
        }
      }
    }),
    { numRuns: 1000 },
  );
});
