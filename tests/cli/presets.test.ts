/** `postern presets`: every preset is listed, with what its page and its file say. */
import { expect, test } from "bun:test";
import { PRESET_NAMES } from "../../src/sources/presets.ts";
import { postern } from "./postern.ts";

test("presets prints a line for each preset below the heads of its columns", async () => {
  const { code, stdout, stderr } = await postern(["presets"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [heads = "", ...lines] = stdout.trimEnd().split("\n");
  expect(heads.split(/ {2,}/)).toEqual(["PRESET", "PROVIDER", "PROOF", "CARRIES", "PAGE"]);
  expect(lines.map((line) => line.split(" ")[0])).toEqual([...PRESET_NAMES]);
  for (const line of lines) expect(line.split(/ {2,}/)).toHaveLength(5);
  expect(lines.find((line) => line.startsWith("stripe "))?.split(/ {2,}/)).toEqual([
    "stripe",
    "Stripe",
    "HMAC-SHA256 in the header Stripe-Signature",
    "events",
    "https://docs.stripe.com/webhooks/signatures",
  ]);
  expect(lines.find((line) => line.startsWith("line "))).toContain("  messages  ");
});

test("presets --json prints the same as an array", async () => {
  const { code, stdout, stderr } = await postern(["presets", "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const presets = JSON.parse(stdout) as { name: string; messages: boolean }[];
  expect(presets.map(({ name }) => name)).toEqual([...PRESET_NAMES]);
  expect(presets.find(({ name }) => name === "sinch")).toEqual({
    name: "sinch",
    title: "Sinch",
    proof: "HMAC-SHA256 in the header x-sinch-webhook-signature",
    messages: true,
    page: "https://developers.sinch.com/docs/conversation/callbacks",
  } as never);
});
