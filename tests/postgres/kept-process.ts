/**
 * Servers of the tests' own, each kept by a shell: when this process ends, however it ends, the
 * server is stopped and its files are gone.
 */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

/** These servers refuse to run as root; then they are `nobody`'s. */
export const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
/**
 * Below what systems give to clients, and of those that each process takes in turn: while a server
 * is down, or isn't up yet, nobody else comes to have its port.
 */
const PORTS = { first: 20_000, processes: 100, each: 100 };

/** Reads commands: `start`, or a signal to stop by. At the end of its input everything goes. */
const KEEPER = `
folder=$1
last=$2
shift 2
trap '' INT HUP TERM
while read -r command; do
  case $command in
    start) "$@" >> "$folder/log" 2>&1 & server=$!; echo $server ;;
    *) kill "-$command" "$server"; wait "$server"; echo stopped ;;
  esac
done
[ -z "$server" ] || kill "-$last" "$server" 2>/dev/null
wait
rm -rf "$folder"`;

interface KeptProcess {
  /** Resolves with its process as soon as there is one. */
  readonly start: () => Promise<number>;
  /** Resolves when it is gone. */
  readonly stop: (signal: "INT" | "TERM" | "QUIT" | "KILL") => Promise<void>;
  /** What it has written so far. */
  readonly log: () => string;
  /** Its files too. */
  readonly remove: () => Promise<void>;
}

/**
 * The folder is the server's own, and goes with it; `last` is the signal that ends it for good, and
 * at once.
 */
export function keep(folder: string, command: readonly string[], last: "QUIT" | "KILL"): KeptProcess {
  const keeper = Bun.spawn(["sh", "-c", KEEPER, "keeper", folder, last, ...command], {
    ...UNPRIVILEGED,
    cwd: "/",
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  keeper.unref();
  const answers = keeper.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const say = async (given: string): Promise<string> => {
    keeper.stdin.write(`${given}\n`);
    await keeper.stdin.flush();
    return (await answers.read()).value?.trim() ?? "";
  };
  return {
    start: async () => Number(await say("start")),
    stop: async (signal) => {
      await say(signal);
    },
    log: () => readFileSync(join(folder, "log"), "utf8"),
    remove: async () => {
      await keeper.stdin.end();
      await keeper.exited;
    },
  };
}

let portsTaken = Math.floor(Math.random() * PORTS.each);

export function freePort(): number {
  for (;;) {
    const own = PORTS.each * (process.pid % PORTS.processes);
    const port = PORTS.first + own + (portsTaken++ % PORTS.each);
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => undefined } }).stop(true);
      return port;
    } catch {
      // Somebody has it.
    }
  }
}

/** Whether a server on this machine takes connections. */
export function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
