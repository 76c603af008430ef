/**
 * A service whose destinations are brokers, through kills of it and restarts of them: what comes,
 * in which order, and how often.
 */
import { afterEach, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { sign } from "../../src/sources/native.ts";
import { newSqlite } from "../databases/sqlite.ts";
import { killLeftovers, type PosternProcess, SECRET, startPostern } from "../faults/postern-process.ts";
import { newFolder } from "../folder.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { type BrokerServer, RABBITMQ_START_MS_MAX } from "./broker-servers.ts";
import { BROKERS } from "./brokers.ts";

const PASSWORD = "hunter2hunter2";
const SENDERS = 6;
const CONCURRENCY = 4;
const KINDS = BROKERS.filter(({ isInstalled }) => isInstalled);
/** More of them than any outage here is long. */
const RETRY = Array.from({ length: 100 }, () => "300ms").join(", ");

afterEach(killLeftovers);

interface Written {
  readonly data: { readonly message_id: string; readonly from: string };
}

test.if(KINDS.length > 0)(
  "brokers have each record, each sender's in order, through their restarts and kills of the service, and nobody sees a password",
  async () => {
    const folder = newFolder();
    const database = await newSqlite();
    const servers = new Map<string, BrokerServer>();
    const urlOf = (name: string) => {
      const login = name === "amqp" ? "guest:guest" : `postern:${PASSWORD}`;
      return `${name}://${login}@127.0.0.1:${servers.get(name)?.port}`;
    };
    const sent: string[] = [];
    let postern: PosternProcess | undefined;
    const start = async () => {
      postern = await startPostern({
        database: database.url,
        env: { POSTERN_CONFIG: join(folder.path, "postern.yaml") },
      });
      return postern;
    };
    const send = async (url: string, count: number) => {
      const one = async (sender: number) => {
        for (let index = 0; index < count; index++) {
          const id = `${sender}-${sent.length}-${index}`;
          const body = JSON.stringify(message(id, { from: `+${sender}` }));
          const answer = await fetch(`${url}/webhook`, {
            method: "POST",
            body,
            headers: { "X-Signature": sign(SECRET, body) },
          });
          if (answer.status === 200) sent.push(id);
        }
      };
      await Promise.all(Array.from({ length: SENDERS }, (_, sender) => one(sender + 1)));
    };
    const kill = async () => {
      postern?.kill("SIGKILL");
      await postern?.exited;
    };
    try {
      await Promise.all(
        KINDS.map(async ({ name, newServer, prepare }) => {
          servers.set(name, await newServer({ password: PASSWORD }));
          await prepare(urlOf(name));
        }),
      );
      const destinations = KINDS.map(({ name, members }) => {
        const own = Object.entries(members).map(([member, value]) => `    ${member}: "${value}"\n`);
        return `  ${name}:\n    url: ${urlOf(name)}\n    start: start\n    concurrency: ${CONCURRENCY}\n    retry: [${RETRY}]\n${own.join("")}`;
      });
      writeFileSync(join(folder.path, "postern.yaml"), `destinations:\n${destinations.join("")}`);
      // Down at the start.
      await Promise.all([...servers.values()].map((server) => server.stop("TERM")));
      let service = await start();
      await send(service.url, 10);
      const shown = async (name: string) =>
        (await (await fetch(`${service.url}/destinations/${name}`)).json()) as {
          state: string;
          reason: string;
          lag_records: number;
          put_aside: number;
        };
      for (const name of servers.keys())
        await until(`${name} to be down`, async () => (await shown(name)).state === "down");
      for (const name of servers.keys())
        expect(await shown(name)).toMatchObject({ reason: "refused", put_aside: 0 });
      await Promise.all([...servers.values()].map((server) => server.start()));
      const probe = () =>
        Promise.all(
          [...servers.keys()].map((name) =>
            fetch(`${service.url}/destinations/${name}/probe`, { method: "POST" }),
          ),
        );
      await probe();
      await send(service.url, 20);
      await kill();
      service = await start();
      // Killed in the middle of what comes.
      await Promise.all([
        send(service.url, 30),
        ...[...servers.values()].map(async (server) => {
          await server.stop("KILL");
          await server.start();
        }),
      ]);
      await kill();
      service = await start();
      await send(service.url, 10);
      const places = `${service.url}/destinations`;
      const isHandedOn = async () => {
        const { data } = (await (await fetch(places)).json()) as {
          data: { lag_records: number; put_aside: number; dead: number }[];
        };
        if (data.every(({ lag_records, put_aside, dead }) => lag_records + put_aside + dead === 0))
          return true;
        await probe();
        return false;
      };
      await until("everything is handed on", isHandedOn, 180_000);
      const told = [
        await (await fetch(places)).text(),
        await (await fetch(`${service.url}/metrics`)).text(),
        service.log().join("\n"),
      ];
      const kept = dirname(database.path);
      for (const name of readdirSync(kept))
        expect(readFileSync(join(kept, name), "latin1").includes(PASSWORD), name).toBe(false);
      expect(told.join("\n")).not.toContain(PASSWORD);
      service.kill("SIGTERM");
      expect(await service.exited).toBe(0);
      for (const { name, arrived } of KINDS) {
        const ids = (await arrived(urlOf(name))).map(
          ({ body }) => (JSON.parse(body) as Written).data.message_id,
        );
        const first = [...new Set(ids)];
        expect(first.toSorted(), name).toEqual(sent.toSorted());
        for (let sender = 1; sender <= SENDERS; sender++) {
          const ofSender = (id: string) => id.startsWith(`${sender}-`);
          expect(first.filter(ofSender), `${name}, sender ${sender}`).toEqual(sent.filter(ofSender));
        }
        // NATS drops what it has; the others have again what a kill cut off.
        const doubles = ids.length - first.length;
        if (name === "nats") expect(doubles).toBe(0);
        expect(doubles, name).toBeLessThan(3 * 10 * CONCURRENCY + sent.length / 4);
      }
    } finally {
      await kill();
      await Promise.all([...servers.values()].map((server) => server.remove()));
      await database.drop();
      folder.remove();
    }
  },
  4 * RABBITMQ_START_MS_MAX,
);
