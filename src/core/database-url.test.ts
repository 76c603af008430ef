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
  "postgres://user:password@127.0.0.1/db",
  "postgresql://user@db.example.com:6432/postern_1?sslmode=require&application_name=x",
  "postgres://user:p%40ss%2Fword%3A%3F@db/postern",
])("%s is on a server", (url) => {
  expect(parseDatabaseUrl(url)).toEqual({ engine: "postgres", url });
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
  "mysql://user@127.0.0.1/db",
  "postgres://user:a:b@one:5432,two:5433/postern?target_session_attrs=read-write",
  "postgres:",
  "postgres://",
  "postgres://user:password@host",
  "postgres://user:password@host/",
  "postgres://user:password@/db",
  "postgres://:password@host/db",
  "postgres://host/db",
  "postgres:///db",
  "postgres://user:pass@word@host/db",
  "postgres://user:pass/word@host/db",
  "postgres://user:p%4@host/db",
  "postgres://user:p%ff@host/db",
  "postgres://user:p%00@host/db",
  "postgres://user@host:port/db",
  "postgres://user@[::1]/db",
  "postgres://user@%2Fvar%2Frun/db",
  "postgres://user@host/db/more",
  "postgres://user@host/d%20b",
  "postgres://user@host/db?application_name=%f",
  "postgres://user@host/db#x",
  "postgres://user@host/db\n",
  "POSTGRES://user@host/db",
  "sqlite:///a\0b",
  " sqlite:///app.db",
])("%j is refused", (url) => {
  expect(parseDatabaseUrl(url)).toBeUndefined();
});
