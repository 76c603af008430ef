// Eight clients that read all the time: pages, searches, statistics, and walks along the cursors.
// Prints a line of JSON.
// Usage: bun bench/growth/readers.ts PORT SECONDS PATH...

import { median } from "../report.ts";
import { host } from "../servers.ts";

const clients = 8;
const requestMsMax = 30_000;
const walk = "/messages?limit=100";

export type Reading = { reads: number; refused: number; failed: number; p50Ms: number; p99Ms: number };

if (import.meta.main) {
  const [port = "", seconds = "", ...paths] = process.argv.slice(2);
  console.log(JSON.stringify(await readAll(Number(port), Number(seconds), paths)));
}

async function readAll(port: number, seconds: number, paths: string[]): Promise<Reading> {
  const statuses: number[] = [];
  const times: number[] = [];
  const deadline = performance.now() + seconds * 1000;
  const client = async (number: number): Promise<void> => {
    let next = walk;
    for (let turn = number; performance.now() < deadline; turn++) {
      const path = paths[turn % (paths.length + 1)];
      const started = performance.now();
      const { status, link } = await read(port, path ?? next);
      times.push(performance.now() - started);
      statuses.push(status);
      // A walk that ended, or was refused, begins anew.
      if (path === undefined) next = link ?? walk;
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  const refused = statuses.filter((status) => status === 503).length;
  const failed = statuses.filter((status) => status !== 200 && status !== 503).length;
  const p99Ms = times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
  return { reads: statuses.length, refused, failed, p50Ms: median(times), p99Ms };
}

async function read(port: number, path: string): Promise<{ status: number; link: string | undefined }> {
  try {
    const signal = AbortSignal.timeout(requestMsMax);
    const response = await fetch(`http://${host}:${port}${path}`, { signal });
    await response.arrayBuffer();
    const reference = /<([^>]+)>/.exec(response.headers.get("Link") ?? "")?.[1];
    const next = reference === undefined ? undefined : new URL(reference, response.url);
    return { status: response.status, link: next && `${next.pathname}${next.search}` };
  } catch {
    return { status: 0, link: undefined };
  }
}
