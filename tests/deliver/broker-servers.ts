/**
 * Brokers of the tests' own, of Debian's packages, on the loopback address and in folders that go
 * with them; what isn't installed is undefined, and says so.
 */
import { chmodSync, chownSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "../folder.ts";
import { freePort, keep, takesConnections, UNPRIVILEGED } from "../postgres/kept-process.ts";
import { until } from "../until.ts";
import type { Certificate } from "./certificates.ts";

export interface BrokerServer {
  readonly port: number;
  /** On the same port, with what it has kept. Resolves when connections are taken. */
  readonly start: () => Promise<void>;
  /** `TERM`: an orderly end. */
  readonly stop: (signal: "TERM" | "KILL") => Promise<void>;
  readonly log: () => string;
  readonly remove: () => Promise<void>;
}

export interface ServerOptions {
  /** Needed from then on, for the user `postern`. */
  readonly password?: string;
  readonly certificate?: Certificate;
}

function program(name: string, ...paths: string[]): string | undefined {
  const found = [name, ...paths].map((each) => Bun.which(each)).find((each) => each !== null);
  if (found === undefined) console.log(`skipped: destinations that are brokers (no ${name} is installed)`);
  return found ?? undefined;
}

export const REDIS_SERVER = program("redis-server");
export const NATS_SERVER = program("nats-server", "/usr/sbin/nats-server");
/** The one below Debian's own, which needs neither root nor a user of its own. */
export const RABBITMQ_SERVER = program("/usr/lib/rabbitmq/bin/rabbitmq-server");
const RABBITMQ_CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl";
/** It takes seconds of a processor, which a busy machine has for others. */
export const RABBITMQ_START_MS_MAX = 180_000;

/** A folder that an unprivileged server may write, with these files in it. */
function ownedFolder(files: Readonly<Record<string, string>>): string {
  const { path } = newFolder();
  const paths = Object.entries(files).map(([name, text]) => {
    writeFileSync(join(path, name), text, { mode: 0o600 });
    return join(path, name);
  });
  if (UNPRIVILEGED.uid !== undefined)
    for (const each of [path, ...paths]) chownSync(each, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
  chmodSync(path, 0o700);
  return path;
}

const certificateFiles = ({ certificate }: ServerOptions) => ({
  ...(certificate !== undefined && { "cert.pem": certificate.cert, "key.pem": certificate.key }),
});

async function simpleServer(folder: string, port: number, command: readonly string[]): Promise<BrokerServer> {
  const kept = keep(folder, command, "KILL");
  const start = async () => {
    await kept.start();
    await until("a broker to take connections", () => takesConnections(port));
  };
  await start();
  return { port, start, stop: kept.stop, log: kept.log, remove: kept.remove };
}

/** It has on its disk what it has confirmed. */
export async function newRedis(options: ServerOptions = {}): Promise<BrokerServer> {
  const { password, certificate } = options;
  const users = password === undefined ? "" : `user postern on >${password} ~* +@all\nuser default off\n`;
  const folder = ownedFolder({ ...certificateFiles(options), "redis.conf": users });
  const port = freePort();
  const tls = ["--tls-port", String(port), "--port", "0", "--tls-auth-clients", "no"];
  const files = [
    "--tls-cert-file",
    "cert.pem",
    "--tls-key-file",
    "key.pem",
    "--tls-ca-cert-file",
    "cert.pem",
  ];
  return simpleServer(folder, port, [
    ...[REDIS_SERVER ?? "", join(folder, "redis.conf"), "--bind", "127.0.0.1", "--dir", folder, "--save", ""],
    ...["--appendonly", "yes", "--appendfsync", "always"],
    ...(certificate === undefined ? ["--port", String(port)] : [...tls, ...files]),
  ]);
}

export async function newNats(options: ServerOptions = {}): Promise<BrokerServer> {
  const folder = ownedFolder(certificateFiles(options));
  const port = freePort();
  const { password, certificate } = options;
  const at = (name: string) => join(folder, name);
  return simpleServer(folder, port, [
    ...[NATS_SERVER ?? "", "-a", "127.0.0.1", "-p", String(port), "-js", "-sd", at("js")],
    ...(password === undefined ? [] : ["--user", "postern", "--pass", password]),
    ...(certificate === undefined ? [] : ["--tls", "--tlscert", at("cert.pem"), "--tlskey", at("key.pem")]),
  ]);
}

/** Its virtual machine is a child of the script: when that is killed, it goes too. */
const RABBITMQ = `
"$1" & server=$!
(while kill -0 $$ 2>/dev/null; do sleep 1; done; kill -KILL "$(cat "$RABBITMQ_PID_FILE")") & watch=$!
wait $server
kill -KILL $watch`;

export interface RabbitmqServer extends BrokerServer {
  readonly tlsPort: number;
  /** `rabbitmqctl`: gives what it says. */
  readonly control: (...words: string[]) => Promise<string>;
}

/** With TLS on `tlsPort`, if it has a certificate; its guest may come from this machine. */
export async function newRabbitmq(options: ServerOptions = {}): Promise<RabbitmqServer> {
  const [port, tlsPort, own, mapper] = [freePort(), freePort(), freePort(), freePort()];
  const { certificate } = options;
  const tls = certificate === undefined ? "" : `listeners.ssl.default = 127.0.0.1:${tlsPort}\n`;
  const folder = ownedFolder({ ...certificateFiles(options), plugins: "[]." });
  const at = (name: string) => join(folder, name);
  const lines = [tls, `ssl_options.certfile = ${at("cert.pem")}`, `ssl_options.keyfile = ${at("key.pem")}`];
  const config = certificate === undefined ? "" : `${lines.join("\n")}\n`;
  writeFileSync(at("rabbitmq.conf"), config, { mode: 0o644 });
  const settings = {
    HOME: folder,
    RABBITMQ_NODENAME: `postern${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(own),
    RABBITMQ_MNESIA_BASE: at("mnesia"),
    RABBITMQ_LOG_BASE: at("logs"),
    RABBITMQ_PID_FILE: at("pid"),
    RABBITMQ_ENABLED_PLUGINS_FILE: at("plugins"),
    RABBITMQ_CONFIG_FILE: at("rabbitmq"),
    RABBITMQ_CONF_ENV_FILE: at("none"),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}",
    ERL_EPMD_PORT: String(mapper),
    ERL_EPMD_ADDRESS: "127.0.0.1",
  };
  const variables = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const command = ["env", ...variables, "sh", "-c", RABBITMQ, "sh", RABBITMQ_SERVER ?? ""];
  const names = keep(ownedFolder({}), ["epmd", "-port", String(mapper), "-address", "127.0.0.1"], "KILL");
  await names.start();
  await until("Erlang's names", () => takesConnections(mapper));
  const kept = keep(folder, command, "KILL");
  let starts = 0;
  const start = async () => {
    starts++;
    await kept.start();
    await until("RabbitMQ", () => kept.log().split("completed with").length > starts, RABBITMQ_START_MS_MAX);
  };
  await start();
  const stop = async (signal: "TERM" | "KILL") => {
    const pid = Number(readFileSync(at("pid"), "utf8"));
    process.kill(pid, `SIG${signal}`);
    await until("RabbitMQ to end", () => !isAlive(pid));
  };
  return {
    ...{ port, tlsPort, start, stop, log: kept.log },
    control: async (...words) => {
      const node = ["-n", settings.RABBITMQ_NODENAME, "--quiet"];
      const env = { ...settings, PATH: process.env["PATH"] };
      const run = Bun.spawn([RABBITMQ_CONTROL, ...node, ...words], { env, stderr: "pipe" });
      if ((await run.exited) !== 0) throw new Error(await run.stderr.text());
      return run.stdout.text();
    },
    remove: async () => {
      await stop("KILL").catch(() => undefined);
      await Promise.all([kept.remove(), names.remove()]);
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
