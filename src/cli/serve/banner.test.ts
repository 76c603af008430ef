import { expect, test } from "bun:test";
import { readSettings } from "../../config.ts";
import { openSource } from "../../sources/open-source.ts";
import { banner, firstSteps } from "./banner.ts";

const PORTS = { port: 8123, readPort: undefined };
const plain = (_: unknown, text: string) => text;
const bannerOf = (environment: Record<string, string>, more: object = {}) =>
  banner(
    {
      ...{ settings: readSettings(environment), configFile: undefined, sources: [], destinations: [] },
      ...more,
    },
    PORTS,
    plain,
  );

test("a banner names the database, and neither its password nor a secret or a token", () => {
  const text = bannerOf({
    ...{ WEBHOOK_SECRET: "hush-1", API_TOKEN: "hush-2" },
    DATABASE_URL: "postgres://postern:hush-3@db.example:5433/inbox?sslmode=require",
  });
  expect(text).toContain("  kept in    PostgreSQL at db.example:5433/inbox\n");
  expect(text).not.toContain("hush");
});

test("where only configured sources are served there is no first message, and no secret of its own", () => {
  const sources = Array.from({ length: 20 }, (_, index) =>
    openSource(`s${index + 1}`, { kind: "meta", secret: "hush" }),
  );
  const text = bannerOf({}, { sources, configFile: "a\x1b[2J\n.yaml" });
  expect(text).toContain("  webhooks    http://127.0.0.1:8123/webhook/s1  meta\n");
  expect(text).toContain("/webhook/s8  meta\n              and 12 more\n");
  expect(text).toContain("  sources in  a\\u001b[2J\\u000a.yaml\n");
  expect(text).not.toMatch(/curl|secret in|hush/);
  expect(firstSteps(readSettings({}), PORTS)).toBeUndefined();
});

test.each(["::1", "[::1]"])("the address %s stands in brackets, as its port follows", (host) => {
  const text = bannerOf({ WEBHOOK_SECRET: "hush", HOST: host });
  expect(text).toContain(" listens at [::1]:8123. ");
});
