/** What is kept of deliveries through a kill, and beside the write-ahead log's bounds. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { parsePosition } from "../../src/core/position.ts";
import type { Store } from "../../src/core/store.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { failure, positionAt, second } from "../failures.ts";
import { type Folder, newFolder } from "../folder.ts";

const LONG_MS = 300_000;
const NAME = "app";

let folder: Folder;
let path: string;
beforeEach(() => {
  folder = newFolder();
  path = join(folder.path, "messages.db");
});
afterEach(() => folder.remove());

async function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openForTest({ engine: "sqlite", path });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

test(
  "a kill at any moment leaves each destination where its last commit was, with the rows of that one",
  async () => {
    const seqOf = (position = "") => parsePosition(position)?.seq ?? Number.NaN;
    for (let kill = 0; kill < 6; kill++) {
      const committer = Bun.spawn([process.execPath, join(import.meta.dir, "delivery-committer.ts"), path], {
        stdout: "pipe",
        stderr: "inherit",
      });
      const told = new Map<string, number>();
      let lines = 0;
      let rest = "";
      for await (const chunk of committer.stdout.pipeThrough(new TextDecoderStream())) {
        const whole = `${rest}${chunk}`.split("\n");
        rest = whole.pop() ?? "";
        for (const line of whole) {
          const [name = "", seq] = line.split(" ");
          told.set(name, Number(seq));
          lines++;
        }
        if (lines > 50 + 77 * kill) committer.kill("SIGKILL");
      }
      await committer.exited;
      await withStore(async ({ deliveries }) => {
        expect(told.size).toBe(2);
        for (const [name, seq] of told) {
          const position = seqOf((await deliveries.find(name))?.position);
          expect([seq, seq + 1]).toContain(position);
          const { data } = await deliveries.failures(name, { limit: 10, offset: 0 });
          expect(data.map((row) => row.seq)).toEqual([position]);
          expect(await deliveries.figures(name)).toEqual({ waiting: 1, dead: 0, nextAt: second(10) });
        }
      });
    }
  },
  LONG_MS,
);

test(
  "deliveries alone don't let the write-ahead log grow",
  async () => {
    await withStore(async (store) => {
      const { deliveries } = store;
      await deliveries.open(NAME, positionAt(0));
      const excerpt = "x".repeat(1024);
      let written = 0;
      for (let first = 1; written < 400e6; first += 2000) {
        const insert = Array.from({ length: 2000 }, (_, index) => failure(first + index, { excerpt }));
        const change = {
          from: positionAt(0),
          to: positionAt(0),
          at: second(0),
          insert,
          update: [],
          remove: [],
        };
        expect(await deliveries.commit(NAME, change)).toBe(true);
        written += 2000 * excerpt.length;
      }
      expect(store.figures().walBytes).toBeLessThan(200e6);
    });
  },
  LONG_MS,
);
