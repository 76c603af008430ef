import { expect, test } from "bun:test";
import { parseDatabaseUrl } from "./database-url.ts";

test.each([
  ["sqlite:////data/app.db", "/data/app.db"],
  ["sqlite:///app.db", "app.db"],
  ["sqlite:///data/postern.db", "data/postern.db"],
  ["sqlite:///../x.db", "../x.db"],
  ["sqlite:////data/with space é.db", "/data/with space é.db"],
])("%s is the file %s", (url, path) => {
  expect(parseDatabaseUrl(url)).toEqual({ engine: "sqlite", path });
});

test.each([
  "",
  "sqlite:",
  "sqlite://",
  "sqlite:///",
  "sqlite:///:memory:",
  "sqlite://:memory:",
  "sqlite::memory:",
  ":memory:",
  "sqlite:///file::memory:?cache=shared",
  "sqlite:///app.db?mode=memory",
  "sqlite:///app.db#x",
  "sqlite:///folder/",
  "sqlite:////",
  "sqlite://app.db",
  "SQLITE:///app.db",
  "file:app.db",
  "app.db",
  "/data/app.db",
  "postgres://user:password@127.0.0.1/db",
  "postgresql://127.0.0.1/db",
  "mysql://127.0.0.1/db",
  "sqlite:///a\0b",
  " sqlite:///app.db",
])("%j is refused", (url) => {
  expect(parseDatabaseUrl(url)).toBeUndefined();
});
