/** More clients than there are descriptors: those that do nothing go, everybody else is served. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { sign } from "../../src/sources/native.ts";
import { head, Wire } from "../http/wire.ts";
import { until } from "../until.ts";
import {
  folderOfEachTest,
  messageBody,
  type PosternProcess,
  post,
  refusedStart,
  SECRET,
  startPostern,
} from "./postern-process.ts";

const folder = folderOfEachTest();
const database = () => join(folder(), "app.db");
const OPEN_FILES = 256;
const withOpenFiles = (count: number) => ({ database: database(), shell: `ulimit -n ${count}; exec "$@"` });
const TICKS_PER_SECOND = 100;
/** Half as long as a connection may be silent. */
const SILENT_MS_MAX = 500;

/** Clients that send so much each and then nothing, until they are told to leave. */
function strangers(port: number, count: number, sent: string): { readonly leave: () => void } {
  const sockets: Socket[] = [];
  for (let index = 0; index < count; index++) {
    const socket = createConnection({ port, host: "127.0.0.1" }, () => socket.write(sent));
    socket.on("error", () => undefined);
    sockets.push(socket);
  }
  return { leave: () => sockets.forEach((socket) => void socket.destroy()) };
}

/** One connection that posts message after message; how many got their 200, and whether all did. */
function sender(port: number, prefix: string) {
  const seen = { stored: 0, refused: [] as unknown[] };
  let running = true;
  const sending = (async () => {
    let wire = await Wire.connect(port);
    let sentAt = performance.now();
    for (let count = 0; running; count++) {
      // One that the machine has kept from sending for so long may go as well.
      if (performance.now() - sentAt > SILENT_MS_MAX) {
        wire.end();
        wire = await Wire.connect(port);
      }
      sentAt = performance.now();
      const body = messageBody(`${prefix}-${count}`);
      const headers = { "X-Signature": sign(SECRET, body), "Content-Length": body.length };
      await wire.send(head("POST /webhook", headers) + body);
      const answer = await wire.answer();
      if (answer?.status === 200) seen.stored++;
      else seen.refused.push(answer ?? "the connection was closed");
      if (answer === undefined) break;
      await Bun.sleep(20);
    }
    wire.end();
  })();
  const stop = async () => {
    running = false;
    await sending;
  };
  return { seen, stop };
}

function cpuSeconds({ pid }: PosternProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Whether a client that comes now is answered within two seconds. */
const isAnswered = (url: string, path: string): Promise<boolean> =>
  fetch(`${url}${path}`, { headers: { Connection: "close" }, signal: AbortSignal.timeout(2000) }).then(
    ({ status }) => status === 200,
    () => false,
  );

test.each([
  [400, "that send nothing", ""],
  [2000, "that send nothing", ""],
  [400, "that send half a head", "GET / HTTP/1.1\r\nHost: a\r\n"],
  [400, "that were answered and stay", head("GET /health/live")],
  [2000, "that were answered and stay", head("GET /health/live")],
])(
  `with ${OPEN_FILES} open files, %d strangers %s cost no processor and keep nobody out`,
  async (count, _, sent) => {
    const postern = await startPostern(withOpenFiles(OPEN_FILES));
    const port = Number(new URL(postern.url).port);
    const steady = [sender(port, "a"), sender(port, "b")];
    await until("the senders are known", () => steady.every(({ seen }) => seen.stored > 10));
    const crowd = strangers(port, count, sent);
    await until("it is said", () =>
      postern.log().some((line) => line.includes("connections are at their bound")),
    );
    await until("new clients are answered again and again", async () => {
      for (let round = 0; round < 3; round++)
        if (!(await isAnswered(postern.url, "/health/live"))) return false;
      return (await post(postern.url, `new-${crypto.randomUUID()}`))?.status === 200;
    });
    await until("the processor rests", async () => {
      const before = cpuSeconds(postern);
      await Bun.sleep(500);
      return cpuSeconds(postern) - before < 0.25;
    });
    await until("it is ready", () => isAnswered(postern.url, "/health/ready"));
    for (const { seen, stop } of steady) {
      await stop();
      expect(seen.refused).toEqual([]);
    }
    const metrics = await (await fetch(`${postern.url}/metrics`)).text();
    expect(Number(/^http_connections_ended_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);
    crowd.leave();
    postern.kill("SIGTERM");
    expect(await postern.exited).toBe(0);
  },
  120_000,
);

test("CONNECTIONS_MAX bounds them where there are descriptors enough", async () => {
  const postern = await startPostern({ database: database(), env: { CONNECTIONS_MAX: "20" } });
  const crowd = strangers(Number(new URL(postern.url).port), 60, "");
  await until("they are ended", () =>
    postern.log().some((line) => line.includes('"connections_max":20,"ended":')),
  );
  crowd.leave();
});

test("the first line says the bound, which leaves room for the process's own files", async () => {
  const postern = await startPostern(withOpenFiles(OPEN_FILES));
  const { connections_max, open_files_max } = JSON.parse(postern.log()[0] ?? "");
  expect(open_files_max).toBe(OPEN_FILES);
  expect(connections_max).toBeWithin(OPEN_FILES / 2, OPEN_FILES - 64);
});

test.each([
  ["too few for any connections", 90, {}, "not for at least 16"],
  [
    "fewer than CONNECTIONS_MAX needs",
    OPEN_FILES,
    { CONNECTIONS_MAX: "1000" },
    "not for CONNECTIONS_MAX=1000",
  ],
])("a limit of open files that is %s refuses the start, and says what to do", async (_, files, env, said) => {
  const { code, stderr } = await refusedStart({ ...withOpenFiles(files), env });
  expect([code, stderr.trim().split("\n").length]).toEqual([1, 1]);
  expect(stderr).toContain(`the limit of open files (${files})`);
  expect(stderr).toContain(said);
  expect(stderr).toContain("LimitNOFILE=");
});
