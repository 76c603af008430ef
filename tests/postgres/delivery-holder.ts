/**
 * A process that serves a destination until it is killed: it holds the lease, and each of its
 * commits moves by one record and puts it aside. Prints where it stands.
 */
import { openForTest } from "../contract/open-for-test.ts";
import { moveBy, waitingRecord } from "./waiting-record.ts";

const [url = "", name = "", holder = ""] = process.argv.slice(2);
const { deliveries } = await openForTest({ engine: "postgres", url });
for (let seq = 0; ; seq++) {
  if (!(await deliveries.hold(name, holder))) throw new Error("somebody else holds it");
  if (!(await deliveries.commit(name, { ...moveBy(seq), insert: [waitingRecord(seq + 1)] })))
    throw new Error("somebody else has moved it");
  console.log(seq + 1);
}
