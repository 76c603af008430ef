/**
 * A server that refuses what the settings say is waited for too, and the log says once what is
 * wrong.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newPostgresServer, type OwnServer } from "../postgres/own-server.ts";
import { type Session, sessionOn } from "../postgres/server.ts";
import { until } from "../until.ts";
import { folderOfEachTest, type PosternProcess } from "./postern-process.ts";
import { send, startReplica, statusOf } from "./replicas.ts";

const LONG_MS = 120_000;
const PASSWORD = "the-password-of-the-role";
const WRONG = "a-password-that-is-wrong";

let server: OwnServer;
let beside: Session;
folderOfEachTest();
beforeAll(async () => {
  server = await newPostgresServer();
  beside = sessionOn(server.url("postgres"));
  const rules = join(server.folder, "data", "pg_hba.conf");
  writeFileSync(rules, `host all limited all scram-sha-256\n${readFileSync(rules, "utf8")}`);
  await beside.query("select pg_reload_conf()");
}, LONG_MS);
afterAll(async () => {
  await beside.close();
  await server.remove();
});
beforeEach(async () => {
  await beside.query("drop database if exists wanted with (force)");
  await beside.query("drop role if exists limited");
  await beside.query(`create role limited login password '${PASSWORD}'`);
});

const url = (password: string) => `postgres://limited:${password}@127.0.0.1:${server.port}/wanted`;
/** Lines that are about no request. */
const ofItsOwn = (replica: PosternProcess) => replica.log().filter((line) => !line.includes('"method":'));
const makeDatabase = () => beside.query("create database wanted owner limited");

const REFUSALS = [
  {
    what: "a wrong password",
    password: WRONG,
    before: makeDatabase,
    says: /28P01 password authentication failed.*look at its user and password/,
    after: () => beside.query(`alter role limited password '${WRONG}'`),
  },
  {
    what: "a role that may not log in",
    password: PASSWORD,
    before: async () => {
      await makeDatabase();
      await beside.query("alter role limited nologin");
    },
    says: /28000 .*doesn't let the URL's user in/,
    after: () => beside.query("alter role limited login"),
  },
  {
    what: "a database that isn't there",
    password: PASSWORD,
    before: async () => undefined,
    says: /3D000 .*no database of the URL's name/,
    after: makeDatabase,
  },
  {
    what: "a privilege that is missing",
    password: PASSWORD,
    before: () => beside.query("create database wanted"),
    says: /42501 permission denied.*lacks a privilege/,
    after: () => beside.query("alter database wanted owner to limited"),
  },
];

test.each(REFUSALS)(
  "$what is said once, and Postern goes on once it is put right",
  async ({ password, before, says, after }) => {
    await before();
    const replica = await startReplica(url(password));
    const errors = () =>
      ofItsOwn(replica).filter((line) => line.includes('"level":"ERROR"') && says.test(line));
    await until("it is said", () => errors().length > 0);
    const readiness = await fetch(`${replica.url}/health/ready`);
    expect(readiness.status).toBe(503);
    expect(await readiness.json()).toEqual({ detail: "storage unavailable" });
    expect(await statusOf(replica.url, "/health/live")).toBe(200);
    expect(await send(replica.url, "m1")).toMatchObject({ status: 503 });
    await after();
    await until("readiness", async () => (await statusOf(replica.url, "/health/ready")) === 200);
    expect((await send(replica.url, "m1"))?.result).toBe("ok");
    expect(errors()).toHaveLength(1);
    expect(replica.log().join("\n")).not.toContain(password);
  },
  LONG_MS,
);

test(
  "a server that comes up after Postern and refuses it is said as well",
  async () => {
    await makeDatabase();
    await beside.close();
    await server.stop("fast");
    const replica = await startReplica(url(WRONG));
    const errors = () => ofItsOwn(replica).filter((line) => line.includes("28P01"));
    expect(errors()).toEqual([]);
    await server.start();
    beside = sessionOn(server.url("postgres"));
    await until("the refusal to be logged", () => errors().length > 0);
    expect(errors()[0]).toContain('"level":"ERROR"');
    const refused = () => server.log().split("password authentication failed").length;
    const before = refused();
    await until("more attempts", () => refused() > before + 2);
    expect(errors()).toHaveLength(1);
    expect(replica.log().join("\n")).not.toContain(WRONG);
  },
  LONG_MS,
);
