/** Svix: Standard Webhooks, with headers of its own names. */
import type { Preset } from "../preset.ts";
import { standardWebhooks } from "./standard-webhooks.ts";

export const svix = {
  title: "Svix",
  page: "https://docs.svix.com/receiving/verifying-payloads/how-manual",
  steps: ["Add an endpoint with the address.", "Its signing secret (whsec_…) is this source's secret."],
  options: standardWebhooks.options,
} as const satisfies Preset;
