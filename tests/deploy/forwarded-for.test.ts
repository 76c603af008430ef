/**
 * Whose address Postern hears of behind the shipped proxies, with a real Caddy (2.6 or later): the
 * client's own, whatever the client claims.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { newFolder } from "../folder.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { freePort } from "../postgres/kept-process.ts";
import { until } from "../until.ts";

const CADDY = Bun.which("caddy");
const DEPLOY = resolve(import.meta.dir, "../../deploy");
const CLAIMED = "203.0.113.77";

interface Proxy {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/**
 * The shipped file on a free port of this machine, without TLS and without what Debian's older
 * Caddy doesn't know.
 */
async function startCaddy(file: string, environment: Record<string, string>): Promise<Proxy> {
  const folder = newFolder();
  const port = freePort();
  const config = readFileSync(join(DEPLOY, file), "utf8")
    .replace("persist_config off", "")
    .replace(/handle_errors [0-9 ]+/, "handle_errors ")
    .replace("admin off", "admin off\n\tdefault_bind 127.0.0.1")
    .replace(/^:8000 \{/m, `:${port} {`)
    .replace(/^\{\$POSTERN_DOMAIN\} \{/m, `http://127.0.0.1:${port} {`);
  const path = join(folder.path, "Caddyfile");
  writeFileSync(path, config);
  const home = { HOME: folder.path, XDG_CONFIG_HOME: folder.path, XDG_DATA_HOME: folder.path };
  const caddy = Bun.spawn([CADDY ?? "", "run", "--config", path, "--adapter", "caddyfile"], {
    env: { ...environment, ...home },
    stdout: "ignore",
    stderr: "ignore",
  });
  const url = `http://127.0.0.1:${port}`;
  await until("Caddy to answer", async () => (await fetch(`${url}/webhook`)).status === 405);
  return {
    url,
    stop: async () => {
      caddy.kill();
      await caddy.exited;
      folder.remove();
    },
  };
}

describe.skipIf(CADDY === null)("behind the shipped", () => {
  let service: TestService;
  beforeAll(async () => {
    service = await newService({ TRUSTED_PROXIES: "private" });
  });
  afterAll(() => service.stop());

  /** The client that the log names when one claims to speak for others. */
  async function clientBehind({ url }: Proxy): Promise<unknown> {
    const headers = { "X-Forwarded-For": CLAIMED, "X-Real-IP": CLAIMED, Forwarded: `for=${CLAIMED}` };
    const answer = await fetch(`${url}/webhook`, {
      method: "POST",
      body: JSON.stringify(message("x")),
      headers,
    });
    expect(answer.status).toBe(401);
    return (await service.logLine(answer.headers.get("X-Request-ID")))["client"];
  }

  test.each([
    ["Caddyfile", {}, "127.0.0.1"],
    ["Caddyfile.balancer", { BALANCER_TRUSTED_PROXIES: "" }, "127.0.0.1"],
    ["Caddyfile.balancer", { BALANCER_TRUSTED_PROXIES: "192.0.2.1" }, "127.0.0.1"],
    ["Caddyfile.balancer", { BALANCER_TRUSTED_PROXIES: "192.0.2.1 127.0.0.0/8" }, CLAIMED],
  ] as const)(
    "behind the shipped %s with %j a client that claims another address is %s",
    async (file, environment, client) => {
      const upstream = `127.0.0.1:${service.port}`;
      const proxy = await startCaddy(file, {
        POSTERN_UPSTREAM: upstream,
        POSTERN_UPSTREAMS: upstream,
        ...environment,
      });
      try {
        expect(await clientBehind(proxy)).toBe(client);
      } finally {
        await proxy.stop();
      }
    },
  );
});
