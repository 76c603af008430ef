/**
 * Whether the compose files name what is there, pass on what the program reads, and are closed as
 * far as they can be.
 */
import { parse } from "yaml";
import { type Files, getPaths, isThere, readVariable, textOf } from "./files.ts";

const POSTGRES = "docker-compose.postgres.yml";

interface Mount {
  readonly type: string;
  readonly target: string;
}
interface ComposeService {
  readonly image?: string;
  readonly build?: string;
  readonly restart?: string;
  readonly stop_grace_period?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly (string | Mount)[];
  readonly networks?: readonly string[];
  readonly depends_on?: readonly string[] | Readonly<Record<string, unknown>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly logging?: { readonly options?: Readonly<Record<string, string>> };
}
interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks?: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

function readCompose(files: Files, path: string): Compose {
  const override = { tag: "!override", collection: "seq" as const, resolve: (value: unknown) => value };
  return parse(textOf(files, path), { customTags: [override as never] }) as Compose;
}

/** Every mistake, in words; none when all is well. */
export function composeMistakes(files: Files): string[] {
  const paths = [...files.keys()].filter((path) => path.startsWith("docker-compose"));
  return [
    ...paths.flatMap((path) => fileMistakes(files, path).map((mistake) => `${path}: ${mistake}`)),
    ...replicaMistakes(files).map((mistake) => `${POSTGRES}: ${mistake}`),
    ...paths.flatMap((path) => addressMistakes(files, path).map((mistake) => `${path}: ${mistake}`)),
    ...proxyMistakes(files),
  ];
}

const isApi = (name: string) => /^api(-\d+)?$/.test(name);

function fileMistakes(files: Files, path: string): string[] {
  const { services, networks = {}, volumes = {} } = readCompose(files, path);
  return Object.entries(services).flatMap(([name, service]) => {
    const mounts = (service.volumes ?? []).filter((mount) => typeof mount === "string");
    const sources = mounts.map((mount) => mount.split(":")[0] ?? "");
    const dependsOn = service.depends_on ?? [];
    const others: readonly string[] = Array.isArray(dependsOn) ? dependsOn : Object.keys(dependsOn);
    // What a second file adds to is closed by the first.
    const isWhole = service.image !== undefined || service.build !== undefined;
    return [
      ...(isApi(name) ? passingMistakes(service.environment ?? {}) : []),
      ...others.filter((other) => !(other in services)).map((other) => `there is no service ${other}`),
      ...(service.networks ?? [])
        .filter((network) => !(network in networks))
        .map((it) => `there is no network ${it}`),
      ...sources
        .filter((source) => (source.startsWith("./") ? !isThere(source) : !(source in volumes)))
        .map((source) => `there is no ${source}`),
      ...(isWhole ? openMistakes(service) : []),
    ].map((mistake) => `${name}: ${mistake}`);
  });
}

/** Each variable is read by the program, and passed on under its own name. */
function passingMistakes(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    const variable = readVariable(name);
    if (variable === undefined) return [`nothing reads ${name}`];
    const [, from] = /^\$\{([A-Z_]+)[:}]/.exec(value) ?? [];
    if (from !== undefined) return from === name ? [] : [`${name} is passed on from ${from}`];
    return value.includes("$") || variable.takes(value) ? [] : [`${name} does not take ${value}`];
  });
}

function openMistakes(service: ComposeService): string[] {
  const found: string[] = [];
  if (service.read_only !== true) found.push("the root file system can be written");
  if (service.cap_drop?.join() !== "ALL") found.push("capabilities are kept");
  if (!service.security_opt?.includes("no-new-privileges:true")) found.push("privileges may grow");
  if (!service.logging?.options?.["max-size"]) found.push("logs fill the disk");
  if (service.restart !== "unless-stopped") found.push("it is not started again");
  return found;
}

function replicaMistakes(files: Files): string[] {
  const { services, networks } = readCompose(files, POSTGRES);
  const single = readCompose(files, "docker-compose.yml").services["api"];
  const { balancer, postgres } = services;
  const replicas = Object.entries(services).filter(([name]) => isApi(name));
  const passed = Object.keys(replicas[0]?.[1].environment ?? {});
  const upstreams = replicas.map(([name]) => `${name}:8000`).join(" ");
  const found: string[] = [];
  if (replicas.length < 2) found.push("there is one replica");
  if (balancer?.environment?.["POSTERN_UPSTREAMS"] !== upstreams)
    found.push(`the balancer does not serve ${upstreams}`);
  if (balancer?.ports?.join() !== "8000:8000") found.push("the balancer is not at port 8000");
  for (const name of Object.keys(single?.environment ?? {}))
    if (!passed.includes(name)) found.push(`${name} is not passed on`);
  for (const [name, { ports, stop_grace_period, user }] of replicas) {
    if (ports !== undefined) found.push(`${name} can be reached past the balancer`);
    if (stop_grace_period !== single?.stop_grace_period || user !== single?.user)
      found.push(`${name} is run otherwise`);
  }
  if (
    postgres?.ports !== undefined ||
    networks?.["database"]?.internal !== true ||
    postgres?.networks?.join() !== "database"
  )
    found.push("PostgreSQL can be reached from outside");
  if (!postgres?.command?.includes("fsync=on")) found.push("PostgreSQL is not told to sync");
  if (!postgres?.volumes?.includes("postgres-data:/var/lib/postgresql"))
    found.push("PostgreSQL's data is on no volume");
  if (!postgres?.healthcheck) found.push("PostgreSQL's health is not checked");
  if (!postgres?.environment?.["POSTGRES_PASSWORD"]?.startsWith("${" + "POSTGRES_PASSWORD:?"))
    found.push("PostgreSQL starts without a password of its own");
  return found;
}

/**
 * Behind a proxy everybody is one address, unless Postern believes what the proxy says of whom it
 * heard from.
 */
function addressMistakes(files: Files, path: string): string[] {
  const { services } = readCompose(files, path);
  const isProxied = Object.values(services).some(({ volumes }) =>
    JSON.stringify(volumes)?.includes("Caddyfile"),
  );
  if (!isProxied) return [];
  return Object.entries(services)
    .filter(([name, { environment }]) => {
      const given = environment?.["TRUSTED_PROXIES"] ?? "";
      const value = /^\$\{TRUSTED_PROXIES:-(.*)\}$/.exec(given)?.[1] ?? given;
      return isApi(name) && !(value !== "" && readVariable("TRUSTED_PROXIES")?.takes(value));
    })
    .map(([name]) => `${name}: everybody behind the proxy is one address`);
}

/** What both proxies have to know of Postern. */
function proxyMistakes(files: Files): string[] {
  const [, idle = ""] = /IDLE_TIMEOUT_S = (\d+);/.exec(textOf(files, "src/http/dispatch.ts")) ?? [];
  const balancer = textOf(files, "deploy/Caddyfile.balancer");
  const [, health = ""] = /health_uri (\S+)/.exec(balancer) ?? [];
  const found = ["deploy/Caddyfile", "deploy/Caddyfile.balancer"].filter((path) => {
    const [, keepalive = ""] = /keepalive (\d+)s/.exec(textOf(files, path)) ?? [];
    return !(Number(keepalive) > 0 && Number(keepalive) < Number(idle));
  });
  const trusting = ["deploy/Caddyfile", "deploy/Caddyfile.balancer"].filter((path) =>
    /^\s*trusted_proxies (?!\{\$BALANCER_TRUSTED_PROXIES\}$)/m.test(textOf(files, path)),
  );
  return [
    ...trusting.map((path) => `${path} believes a stranger's X-Forwarded-For`),
    ...found.map((path) => `${path} keeps connections that Postern has closed after ${idle} s`),
    ...(health === "/health/ready" && getPaths().includes(health) ? [] : [`the balancer asks for ${health}`]),
  ];
}
