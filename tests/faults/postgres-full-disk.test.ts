/**
 * A PostgreSQL server without room for messages: they are refused in time, none is lost, and nobody
 * restarts anything.
 */
import { expect, test } from "bun:test";
import { chownSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "../folder.ts";
import { UNPRIVILEGED } from "../postgres/kept-process.ts";
import { newPostgresServer } from "../postgres/own-server.ts";
import { sessionOn } from "../postgres/server.ts";
import { until } from "../until.ts";
import { SteadyLoad, send, startReplica, statusOf } from "./replicas.ts";

const LONG_MS = 120_000;
const MIB = 2 ** 20;
/** What the ballast leaves holds the tables and some thousand messages. */
const DISK_MIB = 12;
const BALLAST_MIB = 8;

const mounting = (folder: string) => ["mount", "-t", "tmpfs", "-o", `size=${DISK_MIB}m`, "tmpfs", folder];
const canMount =
  process.getuid?.() === 0 && Bun.spawnSync(["unshare", "-m", ...mounting("/mnt")]).exitCode === 0;
if (!canMount) console.log("skipped: a full disk of PostgreSQL's (this user may not mount a tmpfs)");

test.if(canMount)(
  "on a full disk messages get 503, reads go on, and it goes on when there is room",
  async () => {
    const folder = newFolder();
    expect(Bun.spawnSync(mounting(folder.path)).exitCode).toBe(0);
    const server = await newPostgresServer();
    const { query, close } = sessionOn(server.url("postgres"));
    try {
      const space = join(folder.path, "space");
      mkdirSync(space);
      chownSync(space, UNPRIVILEGED.uid ?? 0, UNPRIVILEGED.gid ?? 0);
      writeFileSync(join(folder.path, "ballast"), new Uint8Array(BALLAST_MIB * MIB));
      // The messages alone have no room: a server whose write-ahead log has none ends itself.
      await query(`create tablespace small location '${space}'`);
      await query("alter database postgres set default_tablespace = small");
      const replica = await startReplica(server.url("postgres"));
      const load = new SteadyLoad(() => replica.url, "full", 16);
      const refused = () => load.attempted.size - load.acknowledged.size;
      await until("refusals", () => refused() > 100);
      expect(await statusOf(replica.url, "/health/live")).toBe(200);
      await until("a page", async () => (await statusOf(replica.url, "/messages?limit=1")) === 200);
      rmSync(join(folder.path, "ballast"));
      const acknowledged = load.acknowledged.size;
      await until("messages to be stored again", () => load.acknowledged.size > acknowledged + 500);
      await load.stop();
      expect(load.unfair).toEqual([]);
      const rows = await query<{ id: string }>("select message_id as id from messages");
      const stored = new Set(rows.map(({ id }) => id));
      expect([...load.acknowledged].filter((id) => !stored.has(id))).toEqual([]);
      expect((await send(replica.url, "the last one"))?.result).toBe("ok");
      expect(await statusOf(replica.url, "/health/ready")).toBe(200);
      replica.kill("SIGTERM");
      expect(await replica.exited).toBe(0);
    } finally {
      await close();
      await server.remove();
      expect(Bun.spawnSync(["umount", folder.path]).exitCode).toBe(0);
      folder.remove();
    }
  },
  LONG_MS,
);
