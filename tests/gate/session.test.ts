/** The dashboard's session: who gets one, what it stands for, and what ends it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../src/lib/clock.ts";
import { newService, type TestService } from "../http/service.ts";
import { until } from "../until.ts";

const TOKEN = "a-token-for-tests";
const HOURS = 3_600_000;
const OWN = { "Sec-Fetch-Site": "same-origin" };
const CHANGING = { ...OWN, "X-Postern-UI": "1" };

const signIn = (service: TestService, token: string, headers: Record<string, string> = {}, path?: string) =>
  fetch(`${service.url}/ui/session`, {
    method: "POST",
    redirect: "manual",
    headers: { ...OWN, ...headers },
    body: JSON.stringify({ token, ...(path !== undefined && { path }) }),
  });
const cookieOf = (answer: Response) => answer.headers.get("set-cookie")?.split(";")[0] ?? "";
const ask = (service: TestService, path: string, headers: Record<string, string>, method = "GET") =>
  fetch(`${service.url}${path}`, { method, headers });

describe("with API_TOKEN and API_TOKEN_PREVIOUS", () => {
  let laterMs = 0;
  const clock = { ...systemClock, now: () => systemClock.now() + laterMs };
  const later = (ms: number) => {
    laterMs += ms;
  };
  let service: TestService;
  let cookie: string;
  beforeAll(async () => {
    service = await newService({ API_TOKEN: TOKEN, API_TOKEN_PREVIOUS: "the-token-before" }, { clock });
    cookie = cookieOf(await signIn(service, TOKEN));
  });
  afterAll(() => service.stop());

  test("either token gives a cookie that no script reads and no other site sends", async () => {
    for (const token of [TOKEN, "the-token-before"]) {
      const answer = await signIn(service, token);
      expect(answer.status).toBe(204);
      const flags = answer.headers.get("set-cookie")?.split("; ").slice(1);
      expect(flags).toEqual(["Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Strict"]);
    }
  });

  test("the cookie is for TLS alone where the page came by TLS, and for where the service is", async () => {
    const answer = await signIn(service, TOKEN, { Origin: "https://postern.example" }, "/hooks/");
    expect(answer.headers.get("set-cookie")).toMatch(/; Path=\/hooks\/; .*; Secure$/);
  });

  test.each(["hooks/", "/a;Domain=example.com/", "/a\r\nX: y/", "//", "/a b/", "/a"])(
    "a path %j gets into no cookie",
    async (path) => {
      const answer = await signIn(service, TOKEN, {}, path);
      expect(answer.headers.get("set-cookie")).toContain("; Path=/; ");
    },
  );

  test("a form signs in as well, and is led to the page", async () => {
    const answer = await fetch(`${service.url}/ui/session`, {
      method: "POST",
      redirect: "manual",
      body: new URLSearchParams({ token: TOKEN }),
    });
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "./"]);
    expect(cookieOf(answer)).toStartWith("postern_session=");
  });

  test("another token, none, and what is no JSON sign nobody in", async () => {
    for (const token of ["", `${TOKEN}x`, TOKEN.toUpperCase()]) {
      const answer = await signIn(service, token);
      expect([answer.status, await answer.json()]).toEqual([401, { detail: "unauthorized" }]);
      expect(answer.headers.has("set-cookie")).toBe(false);
    }
    for (const body of ["", "{", "[]", "null", '{"token":1}', `{"token":"${"x".repeat(9000)}"}`]) {
      const answer = await fetch(`${service.url}/ui/session`, { method: "POST", body });
      expect([body.slice(0, 20), answer.status]).toEqual([body.slice(0, 20), 422]);
    }
  });

  test("a session reads everything that the token reads, streams included", async () => {
    for (const path of ["/messages", "/events", "/senders", "/stats", "/metrics", "/log", "/destinations"])
      expect([path, (await ask(service, path, { ...OWN, Cookie: cookie })).status]).toEqual([path, 200]);
    const abort = new AbortController();
    const stream = await fetch(`${service.url}/log/stream`, {
      headers: { ...OWN, Cookie: `other=1; ${cookie}` },
      signal: abort.signal,
    });
    expect([stream.status, stream.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    abort.abort();
  });

  test("reads that another page asks for, of the same site even, are refused", async () => {
    for (const site of ["cross-site", "same-site"])
      expect((await ask(service, "/messages", { "Sec-Fetch-Site": site, Cookie: cookie })).status).toBe(401);
    const origin = { Origin: "http://evil.example", Cookie: cookie };
    expect((await ask(service, "/messages", origin)).status).toBe(401);
    expect((await ask(service, "/messages", { "Sec-Fetch-Site": "none", Cookie: cookie })).status).toBe(200);
  });

  test("changes want the page's own header and its origin too", async () => {
    const change = (headers: Record<string, string>) =>
      ask(service, "/consumers/nobody", { Cookie: cookie, ...headers }, "DELETE").then(
        ({ status }) => status,
      );
    expect(await change(CHANGING)).toBe(404);
    expect(await change({ Origin: service.url, "X-Postern-UI": "1" })).toBe(404);
    expect(await change({ ...OWN })).toBe(401);
    expect(await change({ "X-Postern-UI": "1" })).toBe(401);
    expect(await change({ "X-Postern-UI": "1", Origin: "null" })).toBe(401);
    expect(await change({ "X-Postern-UI": "1", Origin: "http://evil.example" })).toBe(401);
    expect(await change({ "X-Postern-UI": "1", "Sec-Fetch-Site": "same-site" })).toBe(401);
    expect(await change({ "X-Postern-UI": "1", "Sec-Fetch-Site": "none" })).toBe(401);
  });

  test("a cookie that says another time, or is signed by nobody, is none", async () => {
    const [, until = "", signature = ""] = /=(\d+)\.(.+)$/.exec(cookie) ?? [];
    const wrong = [
      `${Number(until) + 1}.${signature}`,
      `${until}.${signature.slice(0, -1)}${signature.endsWith("A") ? "B" : "A"}`,
      `${until}.`,
      until,
      "",
    ];
    for (const value of wrong) {
      const headers = { ...OWN, Cookie: `postern_session=${value}` };
      expect([value, (await ask(service, "/messages", headers)).status]).toEqual([value, 401]);
    }
  });

  test("of several cookies of that name one that holds is enough", async () => {
    const headers = { ...OWN, Cookie: `postern_session=1.x; ${cookie}` };
    expect((await ask(service, "/messages", headers)).status).toBe(200);
  });

  test("the session says how it stands, and signing out takes the cookie away", async () => {
    const state = async (headers: Record<string, string>) =>
      (await (await ask(service, "/ui/session", headers)).json()) as { state: string; expires_at: string };
    expect(await state({})).toMatchObject({ state: "signed_out", expires_at: null });
    const signedIn = await state({ Cookie: cookie });
    expect(signedIn.state).toBe("signed_in");
    expect(Date.parse(signedIn.expires_at)).toBe(Number(/=(\d+)\./.exec(cookie)?.[1]));
    const out = await ask(service, "/ui/session?path=/hooks/", { ...CHANGING, Cookie: cookie }, "DELETE");
    expect(out.headers.get("set-cookie")).toStartWith("postern_session=; Path=/hooks/; Max-Age=0;");
  });

  test("a session that was signed out counts no more, and others do", async () => {
    const other = { ...OWN, Cookie: cookieOf(await signIn(service, TOKEN)) };
    laterMs += 1000;
    const headers = { ...OWN, Cookie: cookieOf(await signIn(service, TOKEN)) };
    await ask(service, "/ui/session", { ...CHANGING, Cookie: headers.Cookie }, "DELETE");
    expect((await ask(service, "/messages", headers)).status).toBe(401);
    expect((await ask(service, "/messages", other)).status).toBe(200);
  });

  const openStreams = async () => {
    const metrics = await fetch(`${service.url}/metrics`, { headers: { Authorization: `Bearer ${TOKEN}` } });
    return Number(/^postern_streams (\d+)$/m.exec(await metrics.text())?.[1]);
  };

  test.each([
    ["signed out", (headers: Record<string, string>) => ask(service, "/ui/session", headers, "DELETE")],
    ["over", () => later(12 * HOURS)],
  ])("a stream ends with the session that is %s, and one by the token goes on", async (_, end) => {
    const mine = { ...CHANGING, Cookie: cookieOf(await signIn(service, TOKEN)) };
    const stream = await ask(service, "/log/stream", mine);
    const abort = new AbortController();
    const byToken = await fetch(`${service.url}/log/stream`, {
      headers: { ...mine, Authorization: `Bearer ${TOKEN}` },
      signal: abort.signal,
    });
    await end(mine);
    // Read to its end: it comes by itself.
    expect(await stream.text()).toContain("id:");
    await until("it is logged", () => service.logLines().some(({ ended_by: by }) => by === "session"));
    await until("the other one alone is open", async () => (await openStreams()) === 1);
    abort.abort();
    await byToken.text().catch(() => undefined);
    await until("the other one ends", async () => (await openStreams()) === 0);
  });

  test("after twelve hours it is over", async () => {
    const headers = { ...OWN, Cookie: cookieOf(await signIn(service, TOKEN)) };
    laterMs += 12 * HOURS - 60_000;
    expect((await ask(service, "/messages", headers)).status).toBe(200);
    laterMs += 60_000;
    expect((await ask(service, "/messages", headers)).status).toBe(401);
  });

  test("the log has no token and no session in it", async () => {
    expect(service.logText()).not.toContain(TOKEN);
    expect(service.logText()).not.toContain(cookie.slice(-43));
  });
});

test("a session ends with the token that it was signed by, and not before", async () => {
  const before = await newService({ API_TOKEN: TOKEN });
  const cookie = cookieOf(await signIn(before, TOKEN));
  await before.stop();
  for (const [environment, status] of [
    [{ API_TOKEN: "another-token-now", API_TOKEN_PREVIOUS: TOKEN }, 200],
    [{ API_TOKEN: "another-token-now" }, 401],
  ] as const) {
    const service = await newService(environment);
    expect((await ask(service, "/messages", { ...OWN, Cookie: cookie })).status).toBe(status);
    await service.stop();
  }
});

test("wrong tokens and foreign cookies count as failed attempts, and then are told to wait", async () => {
  const service = await newService({
    API_TOKEN: TOKEN,
    FAILED_AUTH_PER_MINUTE: "3",
    TRUSTED_PROXIES: "127.0.0.1",
  });
  const from = { "X-Forwarded-For": "203.0.113.9" };
  const statuses = [];
  for (let attempt = 0; attempt < 4; attempt++) statuses.push((await signIn(service, "wrong", from)).status);
  expect(statuses).toEqual([401, 401, 401, 429]);
  expect((await ask(service, "/messages", { ...from, Cookie: "postern_session=1.x" })).status).toBe(429);
  expect((await signIn(service, TOKEN, from)).status).toBe(204);
  await service.stop();
});

test("without a token it is open, and there is nothing to sign in to", async () => {
  const service = await newService();
  const session = (await (await ask(service, "/ui/session", {})).json()) as { state: string };
  expect(session.state).toBe("open");
  expect((await signIn(service, "anything")).status).toBe(409);
  await service.stop();
});
