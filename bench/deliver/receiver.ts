// An application that takes deliveries, in a process of its own and as light as one can be: it
// notes the identifier of each and answers 204.
// Usage: bun bench/deliver/receiver.ts PORTS
// Prints its ports as JSON, so many as are asked for. A line of input says how many requests each
// port has to get; then it prints as JSON what each got.

import { instantMs } from "../follow/clock.ts";
import { host } from "../servers.ts";

/** What comes in without a pause goes on; this long after the last one it is given up. */
const quietMsMax = 30_000;
/** So long after the last that was expected another one may come. */
const doublesMs = 300;
const pollMs = 10;

/** What a port got, in its order, and when each was seen; milliseconds as `instantMs`. */
export type Received = { ids: string[]; ms: number[] };

const received: Received[] = [];
let seenMs = instantMs();

const servers = Array.from({ length: Number(process.argv[2]) }, () => {
  const mine: Received = { ids: [], ms: [] };
  received.push(mine);
  return Bun.serve({
    hostname: host,
    port: 0,
    async fetch(request) {
      seenMs = instantMs();
      mine.ms.push(seenMs);
      mine.ids.push(request.headers.get("webhook-id") ?? "");
      await request.arrayBuffer();
      return new Response(null, { status: 204 });
    },
  });
});
console.log(JSON.stringify(servers.map(({ port }) => port)));

for await (const line of console) {
  const wanted = Number(line);
  seenMs = instantMs();
  while (received.some(({ ids }) => ids.length < wanted) && instantMs() - seenMs < quietMsMax)
    await Bun.sleep(pollMs);
  await Bun.sleep(doublesMs);
  console.log(JSON.stringify(received));
}
process.exit(0);
