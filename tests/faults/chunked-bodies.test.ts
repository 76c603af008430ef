/** Bodies in chunks of one byte, from many strangers at once: what they cost the process. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { residentMiB } from "../attacks/costs.ts";
import { chunk, head, Wire } from "../http/wire.ts";
import { folderOfEachTest, post, startPostern } from "./postern-process.ts";

const folder = folderOfEachTest();
const CONNECTIONS = 8;
const SENT_BYTES = 24 * 1024 * 1024;
const EXTRA_MIB_MAX = 150;
const ROUNDS = 3;

/** Sends a body in chunks of so many bytes until it is refused; gives the status. */
async function attack(url: string, bytes: number): Promise<number | undefined> {
  const piece = Buffer.from(chunk("x".repeat(bytes)).repeat(Math.ceil(65_536 / bytes)));
  const wire = await Wire.connect(Number(new URL(url).port));
  await wire.send(head("POST /webhook", { "X-Signature": "0".repeat(64), "Transfer-Encoding": "chunked" }));
  for (let sent = 0; sent < SENT_BYTES && !wire.closed; sent += piece.length) await wire.send(piece);
  const answer = await wire.answer();
  wire.end();
  return answer?.status;
}

test.each([
  // Whoever goes on sending on a connection that is closed may lose the answer.
  ["one byte each", 1, [413, undefined]],
  ["just over what is refused", 132, [413, undefined]],
  ["64 KiB each", 65_536, [413]],
])(
  `${CONNECTIONS} unsigned bodies of 24 MB in chunks of %s take little memory, and are refused`,
  async (_, bytes, refused) => {
    const extraMiB: number[] = [];
    // What waits to be let go is more on a machine that is busy with others.
    while (extraMiB.length < ROUNDS && !extraMiB.some((mib) => mib < EXTRA_MIB_MAX)) {
      const postern = await startPostern({ database: join(folder(), `app-${extraMiB.length}.db`) });
      await post(postern.url, "before");
      const idle = residentMiB(postern.pid, "VmRSS");
      const attacks = Array.from({ length: CONNECTIONS }, () => attack(postern.url, bytes));
      for (const status of await Promise.all(attacks)) expect(refused).toContain(status);
      extraMiB.push(residentMiB(postern.pid, "VmHWM") - idle);
      expect((await post(postern.url, "after"))?.status).toBe(200);
    }
    expect(Math.min(...extraMiB)).toBeLessThan(EXTRA_MIB_MAX);
  },
  120_000,
);
