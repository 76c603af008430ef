import { describe, expect, test } from "bun:test";
import { steeredClock } from "../../tests/steered-clock.ts";
import { openHostAddresses, type Resolve, systemResolve } from "./host-addresses.ts";

const PUBLIC = "8.8.8.8";
const OTHER = "2606:4700::1111";

function open(resolve: Resolve, { host = "app.test", allowPrivate = false } = {}) {
  const clock = steeredClock();
  let asked = 0;
  const counted: Resolve = (name) => {
    asked++;
    return resolve(name);
  };
  const addresses = openHostAddresses({ host, allowPrivate, clock, resolve: counted });
  const find = async () => addresses.fresh() ?? addresses.find();
  return { ...addresses, find, clock, asked: () => asked };
}

describe("a name's addresses", () => {
  test("are those that are public; a name that has none of them is refused", async () => {
    const mixed = ["127.0.0.1", PUBLIC, "10.0.0.1", "64:ff9b::808:808", OTHER, "fe80::1%eth0"];
    expect(await open(async () => mixed).find()).toEqual({ addresses: [PUBLIC, OTHER] });
    const refused = await open(async () => ["127.0.0.1", "::ffff:8.8.8.8"]).find();
    expect(refused).toMatchObject({ cause: "address" });
    expect((refused as { excerpt: string }).excerpt).toContain("app.test is 127.0.0.1, ::ffff:8.8.8.8");
  });

  test("are all that can be connected to where private ones are allowed", async () => {
    const resolve = async () => ["127.0.0.1", "10.0.0.1", "fe80::1%eth0", "not an address"];
    expect(await open(resolve, { allowPrivate: true }).find()).toEqual({
      addresses: ["127.0.0.1", "10.0.0.1"],
    });
  });

  test("are checked anew each time that the name is resolved", async () => {
    const given = [[PUBLIC], ["127.0.0.1"], [PUBLIC, "127.0.0.1"]];
    const { find, clock } = open(async () => given.shift() ?? []);
    const found = [];
    for (let round = 0; round < 3; round++) {
      found.push(await find());
      clock.advance(5000);
    }
    expect(found[0]).toEqual({ addresses: [PUBLIC] });
    expect(found[1]).toMatchObject({ cause: "address" });
    expect(found[2]).toEqual({ addresses: [PUBLIC] });
  });

  test("are kept for five seconds, and asked for once by all who ask at a time", async () => {
    const { find, clock, asked } = open(async () => [PUBLIC]);
    await Promise.all([find(), find(), find()]);
    clock.advance(4999);
    await find();
    expect(asked()).toBe(1);
    clock.advance(1);
    await find();
    expect(asked()).toBe(2);
  });

  test("aren't kept when there are none", async () => {
    const given = [[], undefined, [PUBLIC]];
    const { find } = open(async () => {
      const next = given.shift();
      if (next === undefined) throw Object.assign(new Error("x"), { code: "ESERVFAIL" });
      return next;
    });
    expect(await find()).toEqual({ cause: "dns", excerpt: "app.test has no address" });
    expect(await find()).toEqual({ cause: "dns", excerpt: "app.test isn't resolved: ESERVFAIL" });
    expect(await find()).toEqual({ addresses: [PUBLIC] });
  });

  test("are asked for anew behind a look-up that was given up", async () => {
    const given: Promise<string[]>[] = [new Promise(() => undefined), Promise.resolve([PUBLIC])];
    const { find, forget } = open(() => given.shift() ?? Promise.reject(new Error("asked too often")));
    void find();
    forget();
    expect(await find()).toEqual({ addresses: [PUBLIC] });
  });

  test("begin with the preferred one, as long as the name has it", async () => {
    const { find, prefer, clock } = open(async () => ["8.8.8.8", "8.8.4.4", "1.1.1.1"]);
    prefer("8.8.4.4");
    expect(await find()).toEqual({ addresses: ["8.8.4.4", "1.1.1.1", "8.8.8.8"] });
    clock.advance(5000);
    const both = await Promise.all([find(), find()]);
    expect(both.map((found) => "addresses" in found && found.addresses[0])).toEqual(["8.8.4.4", "8.8.4.4"]);
    prefer("9.9.9.9");
    expect(await find()).toEqual({ addresses: ["8.8.8.8", "8.8.4.4", "1.1.1.1"] });
  });
});

test("an address is not asked for, but checked", async () => {
  const fails: Resolve = () => Promise.reject(new Error("it was asked for"));
  expect(await open(fails, { host: OTHER }).find()).toEqual({ addresses: [OTHER] });
  expect(await open(fails, { host: "::1" }).find()).toMatchObject({ cause: "address" });
});

test("the system's resolver knows localhost, and says of a name that nobody has that it has none", async () => {
  expect(await systemResolve("localhost")).toContain("127.0.0.1");
  expect(await open(systemResolve, { host: "nobody.invalid" }).find()).toMatchObject({ cause: "dns" });
});
