/**
 * Behind a proxy that has the service below a path: links and redirects stay there, for clients
 * that resolve references as the RFCs say, and for the service's own.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { sign } from "../../src/sources/native.ts";
import { linesOf, startPostern } from "../cli/followers.ts";
import { postern } from "../cli/postern.ts";
import { BELOW_A_PATH, programOf, startProxy } from "../deploy/proxy.ts";
import { META, metaPost, status, text } from "../http/meta-posts.ts";
import { nextPage } from "../http/next-page.ts";
import { prefixProxy } from "../http/prefix-proxy.ts";
import { newService, SECRET, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";

const CLIENT = join(import.meta.dir, "../client/programs/read.ts");
const IDS = ["m1", "m2", "m3"];

const PROXIES = {
  "a proxy of our own": async (service: TestService) => prefixProxy(service.url),
  nginx: async (service: TestService) => {
    const { port, stop } = await startProxy(BELOW_A_PATH, `127.0.0.1:${service.port}`);
    return { url: `http://127.0.0.1:${port}/hooks`, stop };
  },
};
const hasNginx = programOf(BELOW_A_PATH) !== undefined;
if (!hasNginx) console.log("skipped: below a path of nginx (no nginx is installed)");

describe.each(["a proxy of our own", "nginx"] as const)("below a path of %s", (name) => {
  describe.skipIf(name === "nginx" && !hasNginx)(name, () => {
    let service: TestService;
    let proxy: { readonly url: string; readonly stop: () => Promise<void> };
    beforeAll(async () => {
      service = await newService({}, { sources: { wa: META } });
      for (const id of IDS) await service.post(message(id));
      await service.send("/webhook/wa", metaPost([text("1")], [status("1", "delivered")]));
      proxy = await PROXIES[name](service);
    });
    afterAll(async () => {
      await proxy?.stop();
      await service.stop();
    });

    test.each(["messages?limit=1", "messages/?limit=1", "events?limit=1"])(
      "pages of %s are walked by the links that they give",
      async (first) => {
        const { total } = (await (await fetch(`${proxy.url}/${first}`)).json()) as { total: number };
        let rows = 0;
        for (let path: string | undefined = `/hooks/${first}`; path !== undefined; ) {
          const answer: Response = await fetch(new URL(path, proxy.url));
          rows += ((await answer.json()) as { data: unknown[] }).data.length;
          path = nextPage(answer);
          expect(path ?? "/hooks/").toStartWith("/hooks/");
        }
        expect(rows).toBe(total);
      },
    );

    test.each([
      ["/", "/hooks/ui/"],
      ["/ui", "/hooks/ui/"],
      ["/ui?a=b", "/hooks/ui/?a=b"],
      ["/docs/", "/hooks/docs"],
      ["/messages/?limit=1", "/hooks/messages?limit=1"],
      ["/health/live/", "/hooks/health/live"],
      ["/consumers/a/next/", "/hooks/consumers/a/next"],
    ])("%s leads to %s", async (path, end) => {
      const { url } = await fetch(`${proxy.url}${path}`);
      expect(url.slice(new URL(url).origin.length)).toBe(end);
    });

    test("a webhook with a slash too many is stored where it leads", async () => {
      const body = JSON.stringify(message("m1"));
      const headers = { "X-Signature": sign(SECRET, body) };
      const answer = await fetch(`${proxy.url}/webhook/`, { method: "POST", headers, body });
      expect([answer.status, answer.url]).toEqual([200, `${proxy.url}/webhook`]);
    });

    test("the OpenAPI document names the server that it comes from", async () => {
      const { url, ...answer } = await fetch(`${proxy.url}/openapi.json`).then(async (response) => ({
        url: response.url,
        ...((await response.json()) as { servers: { url: string }[] }),
      }));
      expect(new URL(answer.servers[0]?.url ?? "", url).href).toBe(`${proxy.url}/`);
    });

    test("a program with the client of the document walks and reads", async () => {
      const child = Bun.spawn([process.execPath, CLIENT, proxy.url], { stdout: "pipe" });
      expect(await child.stdout.json()).toMatchObject({ walked: ["m3", "m2", "m1", "wa:1"], total: "4" });
    });

    test("postern's commands follow and keep consumers", async () => {
      const tail = startPostern(["tail", "--url", proxy.url, "--since", "start", "--json"], {});
      const lines = await linesOf(tail, 4);
      expect(lines.slice(0, 3).map((line) => JSON.parse(line).message_id)).toEqual(IDS);
      tail.signal("SIGINT");
      await tail.exited;
      const made = await postern(["consumers", "create", "app", "--url", proxy.url]);
      expect([made.code, made.stderr]).toEqual([0, ""]);
    });
  });
});
