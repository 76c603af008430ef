// What the client of a destination does at most: the same requests from memory, so many on their
// way at once, without a log, an order or a position.
// Usage: bun bench/deliver/bare-loop.ts FILE URL CONCURRENCY

import { readFileSync } from "node:fs";
import type { Prepared } from "./requests.ts";

const [path = "", url = "", concurrency] = process.argv.slice(2);
const requests = readFileSync(path, "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Prepared);
const session = new Bun.FetchSession({ proxy: false, keepAlive: { idleTimeout: 30 } });
let next = 0;

async function sendOn(): Promise<void> {
  for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
    const answer = await session.fetch(url, {
      ...{ method: "POST", headers: request.headers, body: request.body },
      ...{ redirect: "manual", decompress: false },
    });
    await answer.bytes();
    if (answer.status !== 204) throw new Error(`a request was answered ${answer.status}`);
  }
}

await Promise.all(Array.from({ length: Number(concurrency) }, sendOn));
session.close();
