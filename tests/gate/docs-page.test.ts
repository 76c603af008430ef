/** `/docs`: what it shows and may load, that its requests work, and how it is used in a browser. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { destinationTo } from "../deliver/destination.ts";
import { newReceiver, type Receiver } from "../deliver/receiver.ts";
import { type Folder, newFolder } from "../folder.ts";
import { META, META_SECRET, metaPost, text } from "../http/meta-posts.ts";
import { prefixProxy } from "../http/prefix-proxy.ts";
import { newService, SECRET, type TestService } from "../http/service.ts";
import { freePort } from "../postgres/kept-process.ts";
import { objectionsIn } from "../ui/objections.ts";
import { until } from "../until.ts";
import { CHROMIUM, launchBrowser } from "./browser.ts";

const TOKEN = "the-api-token";
/** What isn't 2xx of the requests as they stand, and why. */
const OTHERWISE: Readonly<Record<string, number>> = {
  answerProviderByHeaders: 405, // Meta has no handshake by OPTIONS.
  acknowledge: 409, // The position is another log's.
  deleteDestination: 409, // It is in the configuration.
  stopReplay: 404, // None runs.
  readRequest: 404, // No provider's request has come.
  reload: 409, // There is no configuration file.
  getRoot: 307,
  getDashboard: 307,
  getDashboardFile: 404, // Its name has the hash of another version.
};

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { readonly properties?: Readonly<Record<string, object>> }>>;
  };
}

let service: TestService;
let receiver: Receiver;
let document: Document;
let html: string;
beforeAll(async () => {
  receiver = await newReceiver();
  service = await newService(
    { API_TOKEN: TOKEN },
    { sources: { wa: META }, destinations: [destinationTo(receiver.url)] },
  );
  await service.send("/webhook/wa", metaPost([text("wamid.A1")]));
  document = (await (await service.get("/openapi.json")).json()) as Document;
  html = await (await service.get("/docs")).text();
});
afterAll(async () => {
  await service.stop();
  await receiver.close();
});

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId: id }]) => ({ path, method, id })),
  );
const articleOf = (id: string, page = html) =>
  page.split(`<article id="${id}">`)[1]?.split("</article>")[0] ?? "";
const plain = (markup: string) =>
  markup
    .replace(/<[^>]*>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");
const requestOf = (id: string, page = html) =>
  plain(/<pre class="curl">([\s\S]*?)<\/pre>/.exec(articleOf(id, page))?.[1] ?? "");

test("the page runs and shows what is in itself, loads its icon, and nothing else", async () => {
  const answer = await service.get("/docs");
  expect(answer.headers.get("Content-Type")).toStartWith("text/html");
  expect(answer.headers.get("Content-Security-Policy")).toMatch(
    /^default-src 'none'; script-src 'sha256-[^' ]+'; style-src 'sha256-[^' ]+'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
  );
  const outside = [...html.matchAll(/(?:src|href|action)="([^#"][^"]*)"/g)].map(([, reference]) => reference);
  expect([...new Set(outside)].toSorted()).toEqual(["favicon.ico", "openapi.json", "ui/"]);
  expect(/@import|url\(|<[^>]*\s(?:style|on\w+)=/.exec(html)?.[0]).toBeUndefined();
});

test("it is compressed for a client that takes gzip", async () => {
  for (const [accepted, coding] of [
    ["gzip, deflate, br", "gzip"],
    ["gzip;q=0, br", null],
  ] as const) {
    const headers = { "Accept-Encoding": accepted };
    const answer = await fetch(`${service.url}/docs`, { headers, decompress: false });
    const sent = Buffer.from(await answer.arrayBuffer());
    expect(answer.headers.get("Content-Encoding")).toBe(coding);
    expect(answer.headers.get("Vary")).toBe("Accept-Encoding");
    expect((coding === null ? sent : gunzipSync(sent)).toString()).toBe(html);
    expect(sent.length < html.length / 5).toBe(coding !== null);
  }
});

test("every operation has an article with what it is asked by", () => {
  for (const { path, method, id } of operations()) {
    const article = articleOf(id);
    expect(article).toContain(`<span class="method ${method.toUpperCase()}">`);
    expect(article).toContain(`<code>${path}</code>`);
    expect(requestOf(id)).toContain("curl ");
  }
  const targets = [...html.matchAll(/href="#([^"]+)"/g)].map(([, id]) => `id="${id}"`);
  for (const target of new Set(targets)) expect(html.split(target)).toHaveLength(2);
});

test("fields are shown where they stand, and of what they hold too", () => {
  const namesOf = (schema: string) => Object.keys(document.components.schemas[schema]?.properties ?? {});
  expect(namesOf("Message")).toContain("ts");
  expect(namesOf("Event")).toContain("event_key");
  for (const [id, schema] of [
    ["receiveMessage", "NewMessage"],
    ["listMessages", "Message"],
    ["getMessage", "StoredMessage"],
    ["getMessage", "Event"],
    ["schema-EventPage", "Event"],
    ["listDestinations", "Destination"],
  ] as const)
    for (const name of namesOf(schema)) expect(articleOf(id)).toContain(`<code class="name">${name}</code>`);
  expect(articleOf("getMessage")).toContain('array of <a href="#schema-Event">');
});

test("answers are shown by example", () => {
  const shown = plain(
    /<h4>Answer 200<\/h4><pre>([\s\S]*?)<\/pre>/.exec(articleOf("listMessages"))?.[1] ?? "",
  );
  expect(JSON.parse(shown)).toEqual({
    data: [
      {
        ...{ message_id: "m1", from: "+919876543210", to: "+14155550100" },
        ...{ ts: "2025-01-15T10:00:00Z", text: "Hello" },
      },
    ],
    ...{ total: 1, limit: 50, offset: 0 },
  });
});

const isWithoutCurl = Bun.which("curl") === null || Bun.which("openssl") === null;
if (isWithoutCurl) console.log("skipped: the requests of /docs (no curl or no openssl is installed)");
describe.skipIf(isWithoutCurl)("the requests", () => {
  let home: Folder;
  beforeAll(() => {
    home = newFolder();
    const lines = ["silent", 'write-out = "%{http_code}"', 'output = "/dev/null"', "max-time = 3"];
    writeFileSync(join(home.path, ".curlrc"), lines.join("\n"));
  });
  afterAll(() => home.remove());

  async function statusOf(command: string): Promise<number> {
    const env = {
      ...{ PATH: process.env["PATH"], HOME: home.path, API_TOKEN: TOKEN },
      ...{ WEBHOOK_SECRET: SECRET, APP_SECRET: META_SECRET, VERIFY_TOKEN: META.verify_token },
    };
    const child = Bun.spawn(["sh", "-c", command], { env, stdout: "pipe", stderr: "ignore" });
    return Number(await child.stdout.text());
  }

  test("every request does what it shows when it is pasted into a shell", async () => {
    // What is made by one is there for the others, and deleted last.
    const turns = ["put", "get", "post", "options", "delete"];
    const inTurn = operations().toSorted(
      (one, other) => turns.indexOf(one.method) - turns.indexOf(other.method),
    );
    const statuses: Record<string, number> = {};
    for (const { id } of inTurn) statuses[id] = await statusOf(requestOf(id));
    const others = Object.entries(statuses).filter(([, status]) => status < 200 || status > 299);
    expect(Object.fromEntries(others)).toEqual(OTHERWISE);
    const { total } = (await (await service.get("/messages?message_id=m1")).json()) as { total: number };
    expect(total).toBe(1);
  }, 120_000);

  test("a token is in the requests only where one is configured and wanted", async () => {
    const open = await newService();
    const page = await (await open.get("/docs")).text();
    expect(page).not.toContain("$API_TOKEN");
    await open.stop();
    expect(requestOf("listMessages")).toContain('-H "Authorization: Bearer $API_TOKEN"');
    expect(requestOf("receiveMessage")).not.toContain("API_TOKEN");
  });
});

test("the address is the one that was asked, and a webhook's the one where they come in", async () => {
  const apart = await newService({ PORT: "0", READ_PORT: String(freePort()) });
  const page = await (await apart.get("/docs")).text();
  expect(requestOf("listMessages", page)).toContain(`'${apart.readUrl}/messages?`);
  expect(requestOf("receiveMessage", page)).toContain(`'${apart.url}/webhook'`);
  for (const host of ["a';b", "a".repeat(5000)]) {
    const odd = await (await apart.get("/docs", { headers: { Host: host } })).text();
    expect(requestOf("listMessages", odd)).toContain("'http://localhost/messages?");
  }
  await apart.stop();
});

if (CHROMIUM === undefined) console.log("skipped: /docs in a browser (no chromium is installed)");
describe.skipIf(CHROMIUM === undefined)("in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  async function opened(url: string, options: BrowserContextOptions = {}) {
    const context = await browser.newContext({ reducedMotion: "reduce", ...options });
    const page = await context.newPage();
    const asked: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    page.on("console", (entry) => entry.type() === "error" && complaints.push(entry.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(url);
    return { page, asked, complaints, close: () => context.close() };
  }
  const shownHeadings = (page: Page) => page.locator("article:visible h3").allTextContents();

  test.each([
    ["light", 390],
    ["dark", 390],
    ["light", 1024],
    ["dark", 1600],
  ] as const)(
    "nothing is objected to in the %s theme at %d, and nothing is wider than the screen",
    async (colorScheme, width) => {
      const view = { colorScheme, viewport: { width, height: 800 } };
      const { page, complaints, close } = await opened(`${service.url}/docs`, view);
      // What is folded has colours too.
      await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
      expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
      expect(await objectionsIn(page)).toEqual([]);
      expect(complaints).toEqual([]);
      await close();
    },
    120_000,
  );

  test("a search shows what has all its words, and its end shows all", async () => {
    const { page, close } = await opened(`${service.url}/docs`);
    await page.keyboard.press("/");
    await page.keyboard.type("OPTIONS handshake");
    expect(await shownHeadings(page)).toEqual(["Answer a provider's handshake by OPTIONS"]);
    expect(await page.getByRole("status").textContent()).toStartWith("1 of ");
    expect(await page.locator("nav ul ul a:visible").allTextContents()).toHaveLength(1);
    expect(await page.locator("main > section:visible").count()).toBe(1);
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.hash")).toBe("#answerProviderByHeaders");
    await page.keyboard.press("/");
    await page.keyboard.type(" and nothing of the kind");
    expect(await page.getByRole("status").textContent()).toBe("Nothing matches.");
    await page.keyboard.press("Escape");
    expect((await shownHeadings(page)).length).toBeGreaterThan(operations().length);
    await close();
  });

  test("an address leads to its operation, through a search too", async () => {
    const { page, close } = await opened(`${service.url}/docs#replayRecords`);
    const operation = page.locator("#replayRecords");
    const top = () => operation.evaluate((element) => element.getBoundingClientRect().top);
    await until("it is at the top", async () => (await top()) < 200);
    expect(await page.locator("nav [aria-current]").getAttribute("href")).toBe("#replayRecords");
    await page.getByRole("searchbox").fill("rebuild");
    expect(await operation.isVisible()).toBe(false);
    await page.evaluate("location.hash = 'listEvents'");
    await page.locator("#listEvents").waitFor();
    expect(await page.getByRole("searchbox").inputValue()).toBe("");
    await close();
  });

  test("it is gone through by keyboard, on a phone by a menu that closes", async () => {
    const { page, close } = await opened(`${service.url}/docs`, { viewport: { width: 390, height: 800 } });
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.className")).toBe("skip");
    await page.keyboard.press("Enter");
    await until("the focus has gone there", () => page.evaluate("document.activeElement.id === 'main'"));
    const menu = page.locator("nav > details");
    expect(await menu.evaluate((element: { open?: boolean }) => element.open)).toBe(false);
    await page.locator("nav summary").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "GET List events", exact: true }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/#listEvents$/);
    expect(await menu.evaluate((element: { open?: boolean }) => element.open)).toBe(false);
    await close();
  });

  test("below a proxy's path it asks nobody but that, and its requests have that address", async () => {
    const proxy = prefixProxy(service.url);
    const { page, asked, complaints, close } = await opened(`${proxy.url}/docs`);
    expect(await page.title()).toBe("Postern API");
    await page.locator("h1 img").evaluate((image: { decode?: () => Promise<void> }) => image.decode?.());
    expect(await page.locator("#listMessages .curl").textContent()).toContain(`'${proxy.url}/messages?`);
    expect(await page.locator("#receiveMessage .curl").textContent()).toContain(`'${proxy.url}/webhook'`);
    await page.getByRole("link", { name: "openapi.json" }).click();
    await page.waitForURL(`${proxy.url}/openapi.json`);
    expect(asked.filter((url) => !url.startsWith(`${proxy.url}/`))).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
    await proxy.stop();
  });

  test("without its script everything is there to read", async () => {
    const { page, close } = await opened(`${service.url}/docs`, { javaScriptEnabled: false });
    expect(await page.locator("article:visible").count()).toBe(
      operations().length + Object.keys(document.components.schemas).length,
    );
    expect(await page.getByRole("searchbox").isVisible()).toBe(false);
    expect(await page.locator("#listMessages .curl").textContent()).toContain(`'${service.url}/messages?`);
    await close();
  });
});
