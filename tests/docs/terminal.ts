/**
 * A shell in a folder of its own, in which the commands of a page run one after the other, with the
 * variables and the folder that the ones before have left. A command that stays, such as a server,
 * goes on as in another terminal of the reader's, until the page ends; a server until the next one
 * starts.
 */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { newFolder } from "../folder.ts";
import { freePort } from "../postgres/kept-process.ts";
import { until } from "../until.ts";

const COMMAND_MS_MAX = 90_000;
const POLL_MS = 10;
const END = "\u0004 ended with ";
const SERVES = /\b(?:make run|postern(?:\.js)? serve)\b/;
const STAYS = /\b(?:receiver |postern(?:\.js)? tail|curl -\w*N|node -e)\b/;
/** Ports that pages name, wherever they may. */
const PORTS = /\b(localhost:|127\.0\.0\.1:|PORT=|listen\(|receiver )(\d{4,5})\b/g;

interface Ran {
  readonly output: string;
  /** Of a command that stays none. */
  readonly code: number | undefined;
}

export interface Terminal {
  readonly save: (name: string, text: string) => Promise<void>;
  /** Until it ends, or, of a command that stays, until its output is as it should be. */
  readonly run: (command: string, isEnough: (output: string) => boolean) => Promise<Ran>;
  readonly close: () => Promise<void>;
}

/** The next one is left free: it is what an error suggests. */
function pagePort(): number {
  const port = freePort();
  freePort();
  return port;
}

/** It has these executables, as `name: text`, and these of the machine, by name, and no others. */
export async function openTerminal(
  executables: Readonly<Record<string, string>>,
  ofMachine: readonly string[],
): Promise<Terminal> {
  const outside = newFolder();
  const folder = join(outside.path, "page");
  const programs = join(outside.path, "bin");
  mkdirSync(folder);
  mkdirSync(programs);
  for (const [name, text] of Object.entries(executables))
    writeFileSync(join(programs, name), text, { mode: 0o755 });
  for (const name of ofMachine) symlinkSync(Bun.which(name) ?? name, join(programs, name));
  const ports = new Map([["8000", String(pagePort())]]);
  const { POSTERN_SMS_TSV = "" } = process.env;
  const PREPARED = join(import.meta.dir, "prepared");
  const shell = Bun.spawn([join(programs, "bash"), "--norc"], {
    cwd: folder,
    env: {
      ...{ PATH: programs, HOME: folder, TMPDIR: outside.path, TZ: "UTC", LANG: "C.UTF-8" },
      ...{ PORT: ports.get("8000") ?? "", POSTERN_SMS_TSV, PREPARED },
    },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  let printed = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of shell.stdout) printed += decoder.decode(chunk, { stream: true });
  })();
  // Each command that stays has a group of its own, so that all of it can be ended.
  shell.stdin.write("set -m; exec 2>&1\n");
  const staying: { readonly pid: number; readonly serves: boolean }[] = [];
  let count = 0;

  // The next port too, which is what an error suggests.
  const asOnThePage = (output: string) =>
    [...ports]
      .flatMap(([shown, real]) => [0, 1].map((more) => [Number(shown) + more, Number(real) + more]))
      .reduce((text, [shown, real]) => text.replaceAll(new RegExp(`\\b${real}\\b`, "g"), `${shown}`), output)
      .replaceAll(folder, "");

  async function feed(line: string): Promise<{ output: string; code: number }> {
    const from = printed.length;
    shell.stdin.write(`${line}; echo "${END}$?"\n`);
    await shell.stdin.flush();
    const ended = new RegExp(`${END}(\\d+)\\n`);
    const [whole, code] = await until(
      `the end of ${line}`,
      () => ended.exec(printed.slice(from)) ?? undefined,
      COMMAND_MS_MAX,
    );
    return { output: printed.slice(from, printed.indexOf(whole, from)), code: Number(code) };
  }

  async function end(pid: number): Promise<void> {
    signal(pid, "SIGTERM");
    await until("the end of what stays", () => !signal(pid, 0), 10_000).catch(() => signal(pid, "SIGKILL"));
  }

  async function stay(file: string, serves: boolean, isEnough: (output: string) => boolean): Promise<Ran> {
    if (serves) for (const each of staying) if (each.serves) await end(each.pid);
    writeFileSync(`${file}.out`, "");
    // Its shell outlives it and notes its end; of orphans the system may do so a second later.
    const { output } = await feed(`{ trap : TERM; . ${file}; } < /dev/null > ${file}.out 2>&1 & echo $!`);
    const pid = Number(output);
    const read = () => asOnThePage(readFileSync(`${file}.out`, "utf8"));
    staying.push({ pid, serves });
    const deadline = performance.now() + COMMAND_MS_MAX;
    const isThere = async () => isEnough(read()) && (!serves || (await answers(ports.get("8000") ?? "")));
    while (!(await isThere()) && signal(pid, 0) && performance.now() < deadline) await Bun.sleep(POLL_MS);
    return { output: read(), code: undefined };
  }

  async function withFreePorts(text: string): Promise<string> {
    for (const [, , port = ""] of text.matchAll(PORTS))
      if (!ports.has(port)) ports.set(port, String(pagePort()));
    return text.replaceAll(PORTS, (_, before: string, port: string) => `${before}${ports.get(port)}`);
  }

  return {
    save: async (name, text) => {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), await withFreePorts(text));
    },
    run: async (command, isEnough) => {
      count += 1;
      const file = join(outside.path, `command-${count}`);
      writeFileSync(file, `${await withFreePorts(command)}\n`);
      // One that tells its exit code is expected to end.
      const serves = SERVES.test(command) && !command.includes("echo $?");
      if (serves || STAYS.test(command)) return stay(file, serves, isEnough);
      const { output, code } = await feed(`. ${file} < /dev/null`);
      return { output: asOnThePage(output), code };
    },
    close: async () => {
      for (const { pid } of staying) await end(pid);
      shell.kill();
      await shell.exited;
      await reading;
      outside.remove();
    },
  };
}

/** To the whole group; false when nobody is there any more. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, name);
  } catch {
    return false;
  }
}

async function answers(port: string): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok;
  } catch {
    return false;
  }
}
