import { expect, test } from "bun:test";
import { withoutCredentials } from "./url-credentials.ts";

test.each([
  ["amqps://user:p%40ss@host:5671/v", "amqps://host:5671/v"],
  ["redis://:pass@[::1]/0", "redis://[::1]/0"],
  ["nats://token@host", "nats://host"],
  ["NATS://a:b@c@host", "NATS://host"],
  ["https://host/a@b?c=@d", "https://host/a@b?c=@d"],
  ["file:///var/a@b", "file:///var/a@b"],
])("of %s %s is without credentials", (url, bare) => expect(withoutCredentials(url)).toBe(bare));
