/**
 * The command line as its users have it: a process with arguments, an environment of its own, pipes
 * and an exit code.
 */
import { join } from "node:path";
import { newFolder } from "../folder.ts";
import { PROGRAM } from "../program.ts";
import { until } from "../until.ts";

export const SECRET = "correct horse battery staple";

export const ROOT = join(import.meta.dir, "../..");
export const MAIN = join(ROOT, "src/main.ts");
export const BIN = join(ROOT, "bin/postern.js");

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  /** What is run instead of the program. */
  readonly command?: readonly string[];
  readonly cwd?: string;
}

/** Nothing of the caller's settings reaches the process. */
function cleanEnvironment(added: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = "", HOME = "", TMPDIR = "/tmp" } = process.env;
  return { PATH, HOME, TMPDIR, ...added };
}

export function spawnPostern(args: readonly string[], { env, stdin, command, cwd }: RunOptions = {}) {
  return Bun.spawn([...(command ?? PROGRAM), ...args], {
    ...(cwd !== undefined && { cwd }),
    env: cleanEnvironment(env),
    stdin: stdin === undefined ? "ignore" : new Blob([stdin as string]),
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** Runs a command to its end. */
export async function postern(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = spawnPostern(args, options);
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, stdout, stderr };
}

export interface Server {
  readonly port: number;
  readonly url: string;
  readonly databasePath: string;
  /** What commands need to find the service and its database. */
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  /** What it has written so far: a JSON object a line. */
  readonly log: () => readonly Readonly<Record<string, unknown>>[];
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Resolves with the exit code. */
  readonly exited: Promise<number>;
  /** Rows of `/messages`, in its order. */
  readonly messages: (query?: string) => Promise<{ data: Record<string, string | null>[]; total: number }>;
  readonly stop: () => Promise<number>;
}

/** A serving process on a free port, with its database in a new folder. */
export async function newServer(
  options: Pick<RunOptions, "command" | "env" | "cwd"> & { readonly flags?: readonly string[] } = {},
): Promise<Server> {
  const folder = newFolder();
  const databasePath = join(folder.path, "messages.db");
  const settings = {
    WEBHOOK_SECRET: SECRET,
    DATABASE_URL: `sqlite:///${databasePath}`,
    // No read is ended because the machine is busy.
    QUERY_TIMEOUT_MS: "60000",
  };
  const child = spawnPostern(["serve", ...(options.flags ?? [])], {
    ...options,
    env: { ...settings, ...options.env, PORT: "0" },
  });
  let log = "";
  const reading = (async () => {
    for await (const chunk of child.stdout) log += Buffer.from(chunk).toString();
  })();
  const port = await until("the port of the service", () => {
    const line = log.split("\n").find((text) => text.includes('"listening"'));
    return line === undefined ? undefined : (JSON.parse(line) as { port: number }).port;
  });
  const url = `http://127.0.0.1:${port}`;
  return {
    port,
    url,
    databasePath,
    folder: folder.path,
    // The last line may not be whole yet.
    log: () =>
      log
        .slice(0, log.lastIndexOf("\n") + 1)
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line)),
    signal: (signal) => child.kill(signal),
    exited: child.exited,
    env: { ...settings, PORT: String(port) },
    messages: async (query = "limit=100") =>
      (await fetch(`${url}/messages?${query}`)).json() as ReturnType<Server["messages"]>,
    stop: async () => {
      child.kill("SIGTERM");
      const code = await child.exited;
      await reading;
      folder.remove();
      return code;
    },
  };
}
