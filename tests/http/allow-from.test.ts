/** Sources that take requests from some networks alone: whose request it is, told by the proxy. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { newService, type TestService } from "./service.ts";

const NONE = { kind: "generic", secret: [], scheme: { algorithm: "none" } };
const TOKEN = { kind: "generic", secret: "t0ken", scheme: { algorithm: "token", header: "X-Token" } };

let service: TestService;
beforeAll(async () => {
  const allow_from = ["203.0.113.0/24", "2001:db8::7"];
  const sources = { open: { ...NONE, allow_from }, shut: { ...TOKEN, allow_from } };
  service = await newService({ WEBHOOK_SECRET: "", TRUSTED_PROXIES: "private" }, { sources });
});
afterAll(() => service.stop());

const post = async (name: string, client: string, headers: object = {}, body = '{"a":1}') => {
  const sent = { "X-Forwarded-For": client, "Content-Type": "application/json", ...headers };
  const { status } = await service.sendRaw(`/webhook/${name}`, { method: "POST", headers: sent, body });
  return status;
};

test("a request from another network is refused like a wrong signature, whatever it proves", async () => {
  expect(await post("open", "203.0.113.7")).toBe(200);
  expect(await post("open", "2001:db8::7")).toBe(200);
  expect(await post("open", "198.51.100.1")).toBe(401);
  // The proxy's own word counts, which is the last one.
  expect(await post("open", "203.0.113.7, 198.51.100.1")).toBe(401);
  expect(await post("shut", "203.0.113.7", { "X-Token": "t0ken" })).toBe(200);
  expect(await post("shut", "203.0.113.7", { "X-Token": "other" })).toBe(401);
  expect(await post("shut", "198.51.100.1", { "X-Token": "t0ken" })).toBe(401);
});

test("HEAD is answered as a POST from there would be", async () => {
  const head = async (client: string) =>
    (await service.send("/webhook/shut", { method: "HEAD", headers: { "X-Forwarded-For": client } })).status;
  expect(await head("203.0.113.7")).toBe(200);
  expect(await head("198.51.100.1")).toBe(401);
});

test("the thread that inspects large bodies knows whose request it is", async () => {
  const large = JSON.stringify({ a: "x".repeat(100_000) });
  expect(await post("open", "203.0.113.7", {}, large)).toBe(200);
  expect(await post("open", "198.51.100.1", {}, large)).toBe(401);
});
