import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Compile } from "typebox/schema";
import { parse } from "yaml";
import { KINDS } from "../sources/kinds.ts";
import { ConfigFileInvalid, parseConfigFile } from "./config-file.ts";
import { DESTINATION_SCHEMA } from "./destination-schema.ts";
import { configSchema } from "./json-schema.ts";

const ROOT = join(import.meta.dir, "../..");
const schema = Compile(configSchema());
/** What an editor does: it sees the text before anything is put into it. */
const editorTakes = (text: string) => schema.Check(parse(text));
const loaderTakes = (text: string) => {
  try {
    parseConfigFile(text, "postern.yaml", { X: "aaaa" });
    return true;
  } catch (error) {
    if (error instanceof ConfigFileInvalid) return false;
    throw error;
  }
};

test("the schema is of a draft that editors speak, and describes every kind and option", () => {
  const text = JSON.stringify(configSchema());
  expect(JSON.parse(text).$schema).toBe("http://json-schema.org/draft-07/schema#");
  for (const [kind, { summary, options }] of Object.entries(KINDS)) {
    expect(text).toContain(JSON.stringify({ const: kind, description: summary }));
    for (const [name, option] of Object.entries(options.properties)) {
      expect(text).toContain(JSON.stringify(name));
      const { description } = option as { description?: string };
      expect(text).toContain(`"description":${JSON.stringify(description)}`);
    }
  }
});

test("the schema describes every member of a destination", () => {
  const { properties } = DESTINATION_SCHEMA as { properties: Record<string, { description?: string }> };
  const text = JSON.stringify(configSchema());
  for (const [name, { description }] of Object.entries(properties)) {
    expect(text).toContain(JSON.stringify(name));
    expect(text).toContain(`"description":${JSON.stringify(description)}`);
  }
});

test("the schema takes the example and every whole file in the documentation", () => {
  const pages = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => readFileSync(join(ROOT, "docs", name), "utf8"));
  const snippets = pages.flatMap((page) =>
    [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, snippet]) => String(snippet)),
  );
  const files = snippets.filter((snippet) => /^(?:sources|destinations):/m.test(snippet));
  files.push(readFileSync(join(ROOT, "postern.example.yaml"), "utf8"));
  for (const file of files) expect({ file, taken: editorTakes(file) }).toEqual({ file, taken: true });
});

describe("it agrees with the loader on", () => {
  const source = (lines: string) => `sources: { s: { ${lines} } }`;
  const must = "url: https://example.org/a?b=c, secret: abcdefghijklmnop";
  const destination = (lines: string) => `destinations: { d: { ${lines} } }`;
  const scheme = 'header: X, algorithm: hmac-sha256, encoding: hex, signed: "{body}"';
  test.each([
    "sources: {}",
    source("kind: meta, secret: x"),
    source('kind: meta, secret: "${X}", verify_token: "${X}"'),
    source("kind: meta, secret: [x, y], public_url: https://example.org/a?b=c"),
    source('kind: meta, secret: x, public_url: "https://[::1]:8000/a"'),
    source('kind: meta, secret: x, public_url: "${Y:-http://example.org}/a"'),
    source("kind: twilio, secret: x, public_url: https://example.org"),
    source("kind: telegram, secret: x, account: bot"),
    source("kind: slack, secret: x"),
    source("kind: vonage, secret: x, scheme: jwt"),
    source('kind: vonage, secret: x, scheme: "${Y:-jwt}"'),
    source("kind: vonage, secret: x, scheme: vonage-sms-params, signature_method: sha1hmac"),
    source("kind: generic, secret: x, preset: github"),
    source('kind: generic, secret: x, preset: "${Y:-line}", account: "+1"'),
    source(`kind: generic, secret: x, scheme: { ${scheme} }`),
    source(`kind: generic, secret: x, scheme: { ${scheme} }, map: { message_id: id, from: [a, "=b"] }`),
    source("kind: generic, secret: x, preset: stripe, map: [{ message_id: 'a[0].b' }, { each: $.x }]"),
    source("kind: generic, secret: x, preset: stripe, map: { when: { a.b: c, d: [e, f] } }"),
    source("kind: generic, secret: x, preset: stripe, map: { when: { a: true, b: [1, no] } }"),
    source("kind: generic, secret: x, preset: stripe, delivery_id: [header X-A, json a.b]"),
    source("kind: generic, secret: x, preset: stripe, answer: { status: 204 }"),
    source(
      'kind: generic, secret: x, preset: stripe, handshakes: [{ match: { query: { a: ["${Y:-b}", 1] } }, answer: { json: { a: [1, "{query.a}"] } } }]',
    ),
    "destinations: {}",
    "destinations: { native: { url: https://example.org, secret: abcdefghijklmnop } }",
    destination(must),
    destination("url: 'https://${Y:-example.org}', secret: ['${Y:-abcdefghijklmnop}', abcdefghijklmnop]"),
    destination("url: 'http://[::1]:8000', secret: abcdefghijklmnop, allow_private: true"),
    destination(`${must}, kinds: all, sources: native, from: "+1", to: b, order: none, concurrency: 1`),
    destination(`${must}, kinds: [message, status], sources: [native], order: "\${Y:-sender}"`),
    destination(`${must}, rate: 1/h, timeout: "\${Y:-15s}", retry: 5s, start: 2025-01-15T10:00:00.5Z`),
    destination("url: 'file:///a/{date}.ndjson', rotate: 5MB, timeout: 1s"),
    destination("url: '${Y:-file:///a}', rotate: 5MB"),
    destination("url: 'amqps://a:b@c/v', exchange: '', routing_key: all, unroutable: drop"),
    destination("url: 'nats://c', subject: 'a.{kind}', order: none"),
    destination("url: 'redis://:${Y:-a}@c/1', stream: 'a:{from}', max_length: 5"),
    destination(`${must}, rate: 50/s, timeout: 1500ms, retry: [1s, "\${Y:-7d}"], start: start`),
  ])("the schema agrees with the loader on what is right: %s", (text) => {
    expect([editorTakes(text), loaderTakes(text)]).toEqual([true, true]);
  });

  test.each([
    "[]",
    "{}",
    "sources:",
    "sources: []",
    "sources: {}\nsource: {}",
    "sources: { s: x }",
    "sources: { native: { kind: meta, secret: x } }",
    "sources: { S: { kind: meta, secret: x } }",
    "sources: { a_b: { kind: meta, secret: x } }",
    `sources: { ${"a".repeat(33)}: { kind: meta, secret: x } }`,
    source("secret: x"),
    source("kind: meta"),
    source("kind: whatsapp, secret: x"),
    source("kind: [meta], secret: x"),
    source("kind: meta, secret:"),
    source("kind: meta, secret: ''"),
    source("kind: meta, secret: ' '"),
    source("kind: meta, secret: []"),
    source("kind: meta, secret: [x, '']"),
    source("kind: meta, secret: 12"),
    source("kind: meta, secret: [12]"),
    source("kind: meta, secret: { a: b }"),
    source("kind: meta, secret: x, verify_token: ''"),
    source("kind: meta, secret: x, verify_token: 5"),
    source("kind: meta, secret: x, public_url: example.org"),
    source("kind: meta, secret: x, public_url: 'https://a b'"),
    source("kind: meta, secret: x, preset: github"),
    source("kind: meta, secret: x, constructor: x"),
    source("kind: twilio, secret: x"),
    source("kind: telegram, secret: x, account: 5"),
    source("kind: telegram, secret: x, verify_token: x"),
    source("kind: slack, secret: x, account: x"),
    source("kind: vonage, secret: x, scheme: JWT"),
    source("kind: vonage, secret: x, signature_method: md5"),
    source("kind: generic, secret: x, preset: git-hub"),
    source("kind: generic, secret: x, scheme: hmac"),
    source("kind: generic, secret: x, scheme: { header: X, algorithm: md4 }"),
    source(`kind: generic, secret: x, scheme: { ${scheme}, tolerance_seconds: '300' }`),
    source(`kind: generic, secret: x, scheme: { ${scheme}, tolerance_seconds: -1 }`),
    source(`kind: generic, secret: x, scheme: { ${scheme}, secrets: a }`),
    source(`kind: generic, secret: x, scheme: { ${scheme.replace("sha256", "md4")} }`),
    source("kind: generic, secret: x, preset: stripe, map: { message: id }"),
    source("kind: generic, secret: x, preset: stripe, map: { message_id: a..b }"),
    source("kind: generic, secret: x, preset: stripe, map: { message_id: [] }"),
    source("kind: generic, secret: x, preset: stripe, map: [{ each: [a] }]"),
    source("kind: generic, secret: x, preset: stripe, map: { when: { a: { b: 1 } } }"),
    source("kind: generic, secret: x, preset: stripe, map: { when: { a: [] } }"),
    source("kind: generic, secret: x, preset: stripe, handshakes: [{ match: {} }]"),
    source(
      "kind: generic, secret: x, preset: stripe, handshakes: [{ match: { method: PUT }, answer: { text: a } }]",
    ),
    source("kind: generic, secret: x, preset: stripe, answer: { status: 302 }"),
    source("kind: generic, secret: x, preset: stripe, delivery_id: []"),
    source("kind: generic, secret: x, preset: stripe, map: { ts_format: iso }"),
    "destinations:",
    "destinations: []",
    "destinations: { d: x }",
    "destinations: { D: { url: https://example.org, secret: abcdefghijklmnop } }",
    destination("url: https://example.org"),
    destination("secret: abcdefghijklmnop"),
    destination("url: 'file:///a', secret: abcdefghijklmnop"),
    destination("url: 'file:///a/'"),
    destination("url: 'amqp://c', subject: a"),
    destination("url: 'nats://c', subject: 'a b'"),
    destination("url: 'redis://c', max_length: '5'"),
    destination("url: 'redis://c', allow_private: true"),
    destination(`${must}, rotate: 5MB`),
    ...["ftp://a", "example.org", "https://a:b@c", "https://a/#b"].map((url) =>
      destination(`url: '${url}', secret: abcdefghijklmnop`),
    ),
    ...["secret: []", "secret: ' '", "secret: 5"].map((secret) =>
      destination(`url: https://example.org, ${secret}`),
    ),
    ...[
      ...["x: y", "kinds: []", "kinds: x", "kinds: [x]", "sources: []", "from: 5", "to: ''", "order: x"],
      ...["concurrency: 0", "concurrency: 257", "concurrency: '8'", "rate: 50", "rate: 0/s", "timeout: 15"],
      ...["timeout: 15x", "retry: []", "retry: [x]", "start: x", "allow_private: yes"],
    ].map((member) => destination(`${must}, ${member}`)),
  ])("the schema agrees with the loader on what is wrong: %s", (text) => {
    expect([editorTakes(text), loaderTakes(text)]).toEqual([false, false]);
  });
});
