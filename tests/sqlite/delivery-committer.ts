/**
 * Moves two destinations on until it is killed, and says each move once it is committed. At each
 * number there is a failure of that number, and no other.
 */
import { openForTest } from "../contract/open-for-test.ts";
import { failure, positionAt, second } from "../failures.ts";

const { deliveries } = await openForTest({ engine: "sqlite", path: Bun.argv[2] ?? "" });
await Promise.all(
  ["a", "b"].map(async (name) => {
    let { position: from } = await deliveries.open(name, positionAt(0));
    for (let seq = Number(from.split(".")[1]); ; ) {
      const remove = [{ seq, replay: "" }];
      seq++;
      const to = positionAt(seq);
      const insert = [failure(seq, { sender: "s" })];
      if (!(await deliveries.commit(name, { from, to, at: second(0), insert, update: [], remove })))
        throw new Error(`${name} isn't at ${from}`);
      from = to;
      process.stdout.write(`${name} ${seq}\n`);
    }
  }),
);
