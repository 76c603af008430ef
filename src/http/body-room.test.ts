import { expect, test } from "bun:test";
import { Overloaded } from "../core/errors.ts";
import { BodyRoom, BodyShare } from "./body-room.ts";

const KIB = 1024;
const SMALL = 64 * KIB;

function room(more: { perClient?: number } = {}) {
  const made = new BodyRoom({
    bodyBytesInflightMax: 800 * KIB,
    bodyBytesInflightPerClientMax: more.perClient,
  });
  return (client?: string) => new BodyShare(made, client);
}

test("what is let go is room for others, however often it is let go", () => {
  const share = room();
  const first = share();
  first.hold(700 * KIB);
  const second = share();
  expect(() => second.hold(700 * KIB)).toThrow(Overloaded);
  first.release();
  first.release();
  second.hold(700 * KIB);
  expect(() => share().hold(200 * KIB)).toThrow(Overloaded);
});

test("a refused hold changes nothing", () => {
  const share = room();
  const first = share();
  first.hold(300 * KIB);
  const second = share();
  second.hold(300 * KIB);
  expect(() => second.hold(500 * KIB)).toThrow(Overloaded);
  expect(() => share().check(101 * KIB)).toThrow(Overloaded);
  share().hold(100 * KIB);
});

test("large bodies leave an eighth of the room to small ones, which may use all of it", () => {
  const share = room();
  share().hold(350 * KIB);
  share().hold(350 * KIB);
  expect(() => share().hold(SMALL + 1)).toThrow(Overloaded);
  share().hold(SMALL);
  share().hold(36 * KIB);
  expect(() => share().hold(1)).toThrow(Overloaded);
  const small = room();
  for (let count = 0; count < 12; count++) small().hold(SMALL);
  expect(() => small().hold(SMALL)).toThrow(Overloaded);
});

test("a body that grows from small to large counts as large with all that it holds", () => {
  const share = room();
  share().hold(600 * KIB);
  const growing = share();
  growing.hold(SMALL);
  expect(() => growing.hold(101 * KIB)).toThrow(Overloaded);
  growing.hold(100 * KIB);
});

test("one client holds at most its part, those without a limit of their own all of it", () => {
  const share = room();
  share("a").hold(150 * KIB);
  expect(() => share("a").hold(51 * KIB)).toThrow(Overloaded);
  share("a").hold(50 * KIB);
  share("b").hold(200 * KIB);
  share().hold(250 * KIB);
  const set = room({ perClient: 100 * KIB });
  set("a").hold(60 * KIB);
  expect(() => set("a").hold(41 * KIB)).toThrow(Overloaded);
});

test("who holds nothing else may hold one body of any size: it would be refused forever", () => {
  const share = room();
  share("a").hold(900 * KIB);
  expect(() => share("b").hold(1)).toThrow(Overloaded);
});
