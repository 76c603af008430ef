/** `GET /log/{seq}/request`: a provider's request as it came, found by what it brought. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { message } from "../messages.ts";
import { META, metaBody, metaPost, signed, status, text } from "./meta-posts.ts";
import { newService, type TestService } from "./service.ts";

const BOTH = metaBody([text("m1", "first"), text("m2", "second")], [status("m0", "read")]);
/** Of m2 and what is new. */
const AGAIN = metaBody([text("m2", "second"), text("m3", "third")]);
const BINARY = new Uint8Array([0x00, 0xff, 0x0a]);
const MANY = 130;

let service: TestService;
beforeAll(async () => {
  service = await newService({}, { sources: { wa: META } });
  await service.post(message("n1"));
  const many = metaPost(Array.from({ length: MANY }, (_, index) => text(`many${index}`)));
  for (const request of [signed(BOTH), signed(AGAIN), signed(BINARY), many])
    expect((await service.send("/webhook/wa", request)).status).toBe(200);
});
afterAll(() => service.stop());

async function requestOf(seq: number) {
  const answer = await service.get(`/log/${seq}/request`);
  expect([seq, answer.status]).toEqual([seq, 200]);
  return (await answer.json()) as {
    readonly records: readonly Readonly<Record<string, unknown>>[];
    readonly more: boolean;
  };
}
const briefly = ({ records }: Awaited<ReturnType<typeof requestOf>>) =>
  records.map(({ position, kind, message_id }) => [Number(String(position).split(".")[1]), kind, message_id]);

test("each record leads to the whole request and to all that it brought", async () => {
  for (const seq of [2, 3, 4]) {
    const found = await requestOf(seq);
    expect(found).toMatchObject({ source: "wa", body: BOTH, more: false });
    expect(found).toHaveProperty("headers", expect.objectContaining({ "content-type": "application/json" }));
    expect(briefly(found)).toEqual([
      [2, "message", "wa:m1"],
      [3, "message", "wa:m2"],
      [4, "status", "wa:m0"],
    ]);
  }
});

test("its records are those that the log shows, without their bodies", async () => {
  const { data } = (await (await service.get("/log?kinds=all&after=start&limit=4")).json()) as {
    readonly data: readonly object[];
  };
  expect((await requestOf(3)).records).toEqual(data.slice(1) as Readonly<Record<string, unknown>>[]);
});

test("what was there before isn't counted among what it brought", async () => {
  const found = await requestOf(5);
  expect(found).toMatchObject({ body: AGAIN });
  expect(briefly(found)).toEqual([[5, "message", "wa:m3"]]);
});

test("bytes that are no UTF-8 come in base64", async () => {
  const found = await requestOf(6);
  expect(found).toMatchObject({ body_base64: Buffer.from(BINARY).toString("base64") });
  expect(found).not.toHaveProperty("body");
});

test("of many records the first hundred are there, and that there are more", async () => {
  const last = 6 + MANY;
  const found = await requestOf(last);
  expect(found.more).toBe(true);
  expect(briefly(found)).toEqual(
    Array.from({ length: 100 }, (_, index) => [7 + index, "message", `wa:many${index}`]),
  );
});

test.each(["1", "0", "99999", "9007199254740993", "x", "-1", "1.5", "%31x"])(
  "nothing is found by the number %s: a native message's, nobody's, or none",
  async (seq) => {
    const answer = await service.get(`/log/${seq}/request`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual({ detail: "Not Found" });
  },
);
