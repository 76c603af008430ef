/**
 * The proxies of Debian's packages, each with the configuration from `deploy/`, on free ports of
 * this machine.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { newFolder } from "../folder.ts";
import { exchange, head } from "../http/wire.ts";
import { freePort } from "../postgres/kept-process.ts";
import { until } from "../until.ts";

const DEPLOY = resolve(import.meta.dir, "../../deploy");

interface ProxyKind {
  readonly program: string;
  /** In `deploy/`, or what to call the text. */
  readonly file: string;
  readonly text?: string;
  /**
   * What has to be another here: the address that it listens on, the certificate, where Postern is.
   */
  readonly adapt: (port: number, upstream: string) => readonly (readonly [shipped: RegExp, here: string])[];
  /** `file` is the adapted one. */
  readonly command: (file: string, folder: string) => readonly string[];
  readonly environment?: (upstream: string) => Readonly<Record<string, string>>;
}

const caddy = (file: string) => ["run", "--adapter", "caddyfile", "--config", file];

const CADDY: ProxyKind = {
  program: "caddy",
  file: "Caddyfile",
  adapt: () => [],
  command: caddy,
  environment: (upstream) => ({ POSTERN_UPSTREAM: upstream }),
};

const NGINX: ProxyKind = {
  program: "nginx",
  file: "nginx.conf",
  adapt: (port, upstream) => [
    [/listen 443 ssl http2;/, `listen 127.0.0.1:${port};`],
    [/\n\s*ssl_certificate(_key)? .*/g, ""],
    [/server 127\.0\.0\.1:8000;/, `server ${upstream};`],
  ],
  command: (file, folder) => {
    const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    const temporary = paths.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
    const outer = join(folder, "outer.conf");
    writeFileSync(outer, `pid ${folder}/pid; events {} http { ${temporary} include ${file}; }`);
    return ["-p", folder, "-c", outer, "-e", "stderr", "-g", "daemon off;"];
  },
};

const HAPROXY: ProxyKind = {
  program: "haproxy",
  file: "haproxy.cfg",
  adapt: (port, upstream) => [
    [/bind :443 .*/, `bind 127.0.0.1:${port}`],
    [/127\.0\.0\.1:8000/, upstream],
  ],
  command: (file) => ["-db", "-f", file],
};

/** From the internet: webhooks go through, nothing else. */
export const GATES: readonly ProxyKind[] = [CADDY, NGINX, HAPROXY];

/** In front of replicas; everything that is a path goes through. */
export const BALANCER: ProxyKind = {
  program: "caddy",
  file: "Caddyfile.balancer",
  adapt: (port) => [
    [/^:8000 \{/m, `http://127.0.0.1:${port} {`],
    // What Debian's Caddy (2.6) doesn't know yet.
    [/\tpersist_config off\n/, ""],
    [/handle_errors 502 503 504 \{/, "handle_errors {"],
  ],
  command: caddy,
  environment: (upstream) => ({ POSTERN_UPSTREAMS: upstream }),
};

/** The rules that people write, which look at the beginning of a path. */
export const PREFIX_RULES: readonly ProxyKind[] = [
  {
    ...NGINX,
    file: "nginx-prefix.conf",
    text: "server { listen 443 ssl; location /webhook { proxy_pass http://127.0.0.1:8000; } }",
    adapt: (port, upstream) => [
      [/443 ssl/, `127.0.0.1:${port}`],
      [/127\.0\.0\.1:8000/, upstream],
    ],
  },
  {
    ...HAPROXY,
    file: "haproxy-prefix.cfg",
    text: `defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend hooks
  bind :443 ssl
  http-request deny unless { path_beg /webhook }
  default_backend postern
backend postern
  server postern 127.0.0.1:8000
`,
  },
  {
    ...CADDY,
    file: "Caddyfile-prefix",
    text: "{\n\tadmin off\n}\n{$POSTERN_DOMAIN} {\n\treverse_proxy /webhook* {$POSTERN_UPSTREAM}\n}\n",
  },
];

/** Webhooks as they are, and everything below a path too, which is taken away. */
export const BELOW_A_PATH: ProxyKind = {
  ...NGINX,
  file: "nginx-below.conf",
  text: `server {
  listen 443 ssl;
  location /webhook { proxy_pass http://127.0.0.1:8000; }
  location /hooks/ { proxy_pass http://127.0.0.1:8000/; proxy_buffering off; }
}`,
  adapt: (port, upstream) => [
    [/443 ssl/, `127.0.0.1:${port}`],
    [/127\.0\.0\.1:8000/g, upstream],
  ],
};

/** Undefined where the program isn't installed. */
export function programOf({ program }: ProxyKind): string | undefined {
  return Bun.which(program, { PATH: `${process.env["PATH"]}:/usr/sbin` }) ?? undefined;
}

export interface StartedProxy {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

/** Started, and in connection with the service behind it. */
export async function startProxy(kind: ProxyKind, upstream: string): Promise<StartedProxy> {
  const folder = newFolder();
  const port = freePort();
  let text = kind.text ?? readFileSync(join(DEPLOY, kind.file), "utf8");
  for (const [shipped, here] of kind.adapt(port, upstream)) {
    if (text.search(shipped) < 0) throw new Error(`${kind.file} has no ${shipped}`);
    text = text.replace(shipped, here);
  }
  const file = join(folder.path, kind.file);
  writeFileSync(file, text);
  const errors = join(folder.path, "stderr");
  const running = Bun.spawn([programOf(kind) ?? kind.program, ...kind.command(file, folder.path)], {
    stdout: "ignore",
    stderr: Bun.file(errors),
    env: {
      PATH: process.env["PATH"],
      // Caddy's own files.
      HOME: folder.path,
      POSTERN_DOMAIN: `http://127.0.0.1:${port}`,
      ...kind.environment?.(upstream),
    },
  });
  const stop = async () => {
    running.kill();
    await running.exited;
    folder.remove();
  };
  const unsigned = head("POST /webhook", { "Content-Length": 0 });
  const ended = await until(`an answer through ${kind.program}`, async () => {
    if (running.exitCode !== null) return readFileSync(errors, "utf8");
    return (await exchange(port, unsigned))?.status === 401 && "no";
  }).catch(String);
  if (ended !== "no") {
    await stop();
    throw new Error(`${kind.program} by ${kind.file}: ${ended}`);
  }
  return { port, stop };
}
