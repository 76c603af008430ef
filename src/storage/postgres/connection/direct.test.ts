/**
 * Rules of DATABASE_DIRECT_URL. That both lead to one database is tested through a PgBouncer of its
 * own.
 */
import { expect, test } from "bun:test";
import { connectionOf, sessionOf } from "../../../../tests/postgres/answering-session.ts";
import { randomId } from "../../../lib/chance.ts";
import type { Log } from "../../../observe/log.ts";
import { Direct } from "./direct.ts";

const others = connectionOf(sessionOf(() => []));

function directTo(url: string | undefined) {
  const warnings: { message: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const warn = (message: string, fields: Readonly<Record<string, unknown>>) => {
    warnings.push({ message, fields });
  };
  return { warnings, direct: new Direct({ url, others, newId: randomId, log: { warn } as unknown as Log }) };
}

/** Where nobody listens: the port was free a moment ago. */
function nobody(): string {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const { port } = listener;
  listener.stop(true);
  return `postgres://postern:a-secret-word@127.0.0.1:${port}/postern`;
}

test("without the setting the others' connection does, and there is nothing to check", async () => {
  const { direct, warnings } = directTo(undefined);
  expect(await direct.use(async (connection) => connection)).toBe(others);
  await direct.check();
  expect(warnings).toEqual([]);
});

test("a server that can't be asked is said to be so without its password, and refuses no start", async () => {
  const { direct, warnings } = directTo(nobody());
  await direct.check();
  expect(warnings).toHaveLength(1);
  expect(warnings[0]?.message).toContain("DATABASE_DIRECT_URL can't be used");
  expect(JSON.stringify(warnings)).not.toContain("a-secret-word");
});

test("nothing is done on a server before it is known to be the same database", async () => {
  const { direct } = directTo(nobody());
  let done = false;
  await expect(
    direct.use(async () => {
      done = true;
    }),
  ).rejects.toThrow();
  expect(done).toBe(false);
});
