import { expect, test } from "bun:test";
import { destinationTo } from "../../../tests/deliver/destination.ts";
import { digestOf } from "./delivering.ts";

test("what tells replicas that their files differ is the same whatever the secrets are, and nothing else", () => {
  const digest = digestOf(destinationTo("amqp://user:one@host/v", { secrets: ["a"] }));
  expect(digestOf(destinationTo("amqp://other:two@host/v", { secrets: ["b"] }))).toBe(digest);
  expect(digestOf(destinationTo("amqp://host/v"))).toBe(digest);
  expect(digestOf(destinationTo("amqp://user:one@host/w"))).not.toBe(digest);
  expect(digestOf(destinationTo("amqp://user:one@host/v", { options: { exchange: "a" } }))).not.toBe(digest);
});
