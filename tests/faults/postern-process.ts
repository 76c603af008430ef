/**
 * A real Postern process for tests that break things, and a client that keeps what was
 * acknowledged.
 */
import { afterEach, beforeEach } from "bun:test";
import { sign } from "../../src/sources/native.ts";
import { type Database, newDatabase } from "../databases/database.ts";
import { type Folder, newFolder } from "../folder.ts";
import { nextPage } from "../http/next-page.ts";
import { PROGRAM } from "../program.ts";

export const SECRET = "fault-test-secret";

export interface PosternProcess {
  readonly pid: number;
  readonly url: string;
  readonly exited: Promise<number>;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly stderr: () => Promise<string>;
  /** The lines that it has logged so far, but for requests that were answered with 200. */
  readonly log: () => readonly string[];
}

interface StartOptions {
  /** A URL, or the path of a SQLite file. */
  readonly database: string;
  /** What runs before the program: a shell that ends with `exec "$@"`. */
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Gives the first log line, when the shell leads standard output elsewhere. */
  readonly firstLine?: () => Promise<string>;
}

/** Starts `serve` and waits for its first log line, which names its port. */
export async function startPostern(options: StartOptions): Promise<PosternProcess> {
  const child = spawnPostern(options);
  const log: string[] = [];
  const first =
    options.firstLine === undefined ? await firstLineOf(child.stdout, log) : await options.firstLine();
  const port = LISTENING.exec(first)?.[1];
  return {
    pid: child.pid,
    url: `http://127.0.0.1:${port}`,
    exited: child.exited,
    kill: (signal) => child.kill(signal),
    stderr: () => new Response(child.stderr).text(),
    log: () => log,
  };
}

/** A start that is expected to be refused: its exit code and its standard error. */
export async function refusedStart(options: StartOptions): Promise<{ code: number; stderr: string }> {
  const child = spawnPostern(options);
  void new Response(child.stdout).text();
  const stderr = await new Response(child.stderr).text();
  return { code: await child.exited, stderr };
}

const started = new Set<{ kill: (signal: NodeJS.Signals) => void }>();

/** Ends what a failed test left running. */
export function killLeftovers(): void {
  for (const child of started) child.kill("SIGKILL");
  started.clear();
}

/**
 * The path of a folder of each test's own, asked for within a test; afterwards it and what was left
 * running are gone.
 */
export function folderOfEachTest(): () => string {
  let folder: Folder;
  beforeEach(() => {
    folder = newFolder();
  });
  afterEach(() => {
    killLeftovers();
    folder.remove();
  });
  return () => folder.path;
}

/** The same with a database of the engine under test. */
export function databaseOfEachTest(): () => Database {
  let database: Database;
  beforeEach(async () => {
    database = await newDatabase();
  });
  afterEach(async () => {
    killLeftovers();
    await database.drop();
  });
  return () => database;
}

function spawnPostern({ database, shell, env }: StartOptions) {
  const program = [...PROGRAM, "serve"];
  const command = shell === undefined ? program : ["sh", "-c", shell, "sh", ...program];
  const child = Bun.spawn(command, {
    env: {
      PATH: process.env["PATH"] ?? "",
      WEBHOOK_SECRET: SECRET,
      DATABASE_URL: database.includes("://") ? database : `sqlite:///${database}`,
      PORT: "0",
      // No read is ended because the machine is busy; tests of replicas are about that too.
      ...(database !== "" && { QUERY_TIMEOUT_MS: "60000" }),
      ...env,
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  started.add(child);
  return child;
}

const LISTENING = /"message":"listening".*"port":(\d+)/;

/**
 * Reads until the line that names the port, and goes on reading so that the process is never held
 * up.
 */
async function firstLineOf(stdout: ReadableStream<Uint8Array>, log: string[]): Promise<string> {
  const listening = Promise.withResolvers<string>();
  void readLines(stdout, (line) => {
    if (!line.includes('"status":200')) log.push(line);
    if (LISTENING.test(line)) listening.resolve(line);
  }).then(() => listening.reject(new Error(`Postern ended before it listened: ${log.join("\n")}`)));
  return listening.promise;
}

async function readLines(stdout: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stdout) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
}

export function messageBody(id: string, text = "hello"): string {
  return JSON.stringify({
    message_id: id,
    from: "+919876543210",
    to: "+14155550100",
    ts: "2025-01-15T10:00:00Z",
    text,
  });
}

/** Posts one message; undefined when the connection broke before an answer. */
export async function post(url: string, id: string, text?: string): Promise<Response | undefined> {
  const body = messageBody(id, text);
  try {
    const response = await fetch(`${url}/webhook`, {
      method: "POST",
      body,
      headers: { "X-Signature": sign(SECRET, body) },
    });
    await response.arrayBuffer();
    return response;
  } catch {
    return undefined;
  }
}

/**
 * Senders that post one message after the other until told to stop; what was acknowledged is kept.
 */
export class Load {
  readonly acknowledged = new Set<string>();
  readonly attempted = new Set<string>();
  readonly refused: number[] = [];
  readonly #senders: Promise<void>[];
  #running = true;

  constructor(url: string, prefix: string, senders: number, text?: string) {
    this.#senders = Array.from({ length: senders }, (_, sender) =>
      this.#send(url, `${prefix}-${sender}`, text),
    );
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#senders);
  }

  async #send(url: string, prefix: string, text: string | undefined): Promise<void> {
    for (let count = 0; this.#running; count++) {
      const id = `${prefix}-${count}`;
      this.attempted.add(id);
      const response = await post(url, id, text);
      if (response === undefined) return;
      if (response.status === 200) this.acknowledged.add(id);
      else this.refused.push(response.status);
    }
  }
}

/** How often each stored id is there, read through the API page by page. */
export async function storedIds(url: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  let next: string | undefined = "/messages?limit=100";
  while (next !== undefined) {
    const response: Response = await fetch(`${url}${next}`);
    const page = (await response.json()) as { data: readonly { message_id: string }[] };
    for (const { message_id } of page.data) counts.set(message_id, (counts.get(message_id) ?? 0) + 1);
    next = nextPage(response);
  }
  return counts;
}
