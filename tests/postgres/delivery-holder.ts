/**
 * A process that serves a destination until it is killed: it holds the lease, and each of its
 * commits moves by one record and puts it aside. Prints where it stands.
 */
import { openForTest } from "../contract/open-for-test.ts";
import { failure, positionAt, second } from "../failures.ts";

const [url = "", name = "", holder = ""] = process.argv.slice(2);
const { deliveries } = await openForTest({ engine: "postgres", url });
for (let seq = 0; ; seq++) {
  if (!(await deliveries.hold(name, holder))) throw new Error("somebody else holds it");
  const move = { from: positionAt(seq), to: positionAt(seq + 1), at: second(30) };
  const rows = { insert: [failure(seq + 1)], update: [], remove: [] };
  if (!(await deliveries.commit(name, { ...move, ...rows }))) throw new Error("somebody else has moved it");
  console.log(seq + 1);
}
