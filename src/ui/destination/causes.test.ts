/** What the page says of failures covers what the service can say. */
import { expect, test } from "bun:test";
import { CAUSES } from "../../follow/deliver/sink.ts";
import { CAUSE_NAMES, causeInWords, reasonInWords } from "./causes.ts";

test("every cause that the service knows is explained, and one that it doesn't is shown as it is", () => {
  const unexplained = [...Object.keys(CAUSES), "sender_backlog"].filter(
    (cause) => !CAUSE_NAMES.includes(cause),
  );
  expect(unexplained).toEqual([]);
  expect(causeInWords("toString")).toEqual({ title: "toString", advice: "" });
  expect(reasonInWords("paused by an operator")).toBe("Paused by an operator.");
  expect(reasonInWords("status 422")).toStartWith("It answers with 422. ");
  expect(reasonInWords("timeout")).toStartWith("No answer in time. ");
});
