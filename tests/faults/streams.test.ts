/** What streams cost, and that no stranger takes their connections; in a process of their own. */
import { afterEach, expect, test } from "bun:test";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { head } from "../http/wire.ts";
import { until } from "../until.ts";

const OPEN_FILES = 256;

interface Figures {
  readonly rssKib: number;
  readonly asked: number;
  readonly open: number;
  readonly ended: number;
}

const sockets: Socket[] = [];
let child: Bun.Subprocess<"ignore", "pipe", "inherit"> | undefined;
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  child?.kill("SIGKILL");
  await child?.exited;
});

async function startServer(openFiles: number): Promise<{ port: number; streamsMax: number }> {
  const program = [process.execPath, join(import.meta.dir, "streaming-server.ts")];
  child = Bun.spawn(["sh", "-c", `ulimit -n ${openFiles}; exec "$@"`, "sh", ...program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await lines.read();
  // Whoever doesn't read its log holds it up.
  void (async () => {
    while (!(await lines.read()).done);
  })();
  return JSON.parse(value.split("\n")[0] ?? "");
}

/** Sends so much; what it received can be looked at, unless it reads nothing. */
async function client(port: number, sent: string, reads = true): Promise<{ text: string; closed: boolean }> {
  const seen = { text: "", closed: false };
  const socket = createConnection({ port, host: "127.0.0.1" });
  sockets.push(socket);
  socket.on("error", () => undefined);
  socket.on("close", () => {
    seen.closed = true;
  });
  if (reads) socket.on("data", (bytes) => (seen.text += bytes));
  else socket.pause();
  socket.write(sent);
  return seen;
}

const askFigures = async (port: number): Promise<Figures> => {
  const answer = await fetch(`http://127.0.0.1:${port}/figures`, {
    headers: { Connection: "close" },
    signal: AbortSignal.timeout(2000),
  });
  return (await answer.json()) as Figures;
};
const figuresOf = (port: number) => until("the figures", () => askFigures(port));

test("with few open files strangers end no stream, and are served as if there were none", async () => {
  const { port, streamsMax } = await startServer(OPEN_FILES);
  expect(streamsMax).toBe(OPEN_FILES / 2);
  const streams = await Promise.all(Array.from({ length: 60 }, () => client(port, head("GET /quiet"))));
  await until("all are open", () => streams.every(({ text }) => text.includes("first")));
  // Since then nothing has moved on them for longer than on any stranger's.
  const strangers = await Promise.all(Array.from({ length: 400 }, () => client(port, "")));
  await until("strangers are ended, and new ones answered", async () => {
    const { ended } = await askFigures(port);
    return ended > 0 && strangers.filter(({ closed }) => closed).length > 250;
  });
  await Promise.all(Array.from({ length: 400 }, () => client(port, "GET / HTTP/1.1\r\n")));
  await until("later ones are answered again and again", async () => {
    for (let round = 0; round < 10; round++) await askFigures(port);
    return true;
  });
  expect(streams.filter(({ closed }) => closed)).toEqual([]);
  expect((await figuresOf(port)).open).toBe(60);
}, 120_000);

test("a client that stops reading costs at most 256 KiB", async () => {
  const count = 200;
  const { port } = await startServer(4096);
  // What the first streams and answers need once belongs to no client.
  const early = await client(port, head("GET /quiet"));
  await until("the first", () => early.text.includes("first"));
  const before = await figuresOf(port);
  for (let index = 0; index < count; index++) await client(port, head("GET /flood"), false);
  let [last, since] = [-1, performance.now()];
  await until("the system takes no more", async () => {
    const { asked } = await figuresOf(port);
    if (asked !== last) [last, since] = [asked, performance.now()];
    return asked > count && performance.now() - since > 1000;
  });
  const after = await figuresOf(port);
  expect(after.open).toBe(count + 1);
  expect((after.rssKib - before.rssKib) / count).toBeLessThan(256);
}, 120_000);
