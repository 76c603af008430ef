/** A provider's time that can't be read: stored by the time of receipt, and said. */
import { expect, test } from "bun:test";
import { newService } from "./service.ts";

const SECRET = "secret of the source with times";
const NAMED = {
  kind: "generic",
  secret: SECRET,
  scheme: { algorithm: "token", header: "X-Token" },
  map: { message_id: "id", from: "from", to: "to", ts: "sent.at" },
};

test("a time that can't be read is logged as a warning by its field's name, and counted", async () => {
  const service = await newService({}, { sources: { times: NAMED } });
  try {
    const send = (id: string, at: string, spaces = 0) =>
      service.send("/webhook/times", {
        headers: { "X-Token": SECRET },
        body: JSON.stringify({ id, from: "a", to: "b", sent: { at } }) + " ".repeat(spaces),
      });
    const line = async (answer: Response) => service.logLine(answer.headers.get("X-Request-ID"));
    const read = await line(await send("1", "2026-01-02T03:04:05Z"));
    expect([read["level"], read["unread_times"]]).toEqual(["INFO", undefined as never]);
    for (const [id, spaces] of [
      ["2", 0],
      ["3", 20_000],
    ] as const) {
      const answer = await send(id, "the day before", spaces);
      expect(answer.status).toBe(200);
      expect(await line(answer)).toMatchObject({ level: "WARN", result: "ok", unread_times: "sent.at" });
    }
    const metrics = await (await service.get("/metrics")).text();
    expect(metrics).toContain('webhook_unread_times_total{source="times"} 2');
  } finally {
    await service.stop();
  }
});
