/** Clerk: it sends by way of Svix. */
import type { Preset } from "../preset.ts";
import { svix } from "./svix.ts";

export const clerk = {
  title: "Clerk",
  page: "https://clerk.com/docs/guides/development/webhooks/overview",
  steps: [
    "In the dashboard under Webhooks add an endpoint with the address, and choose the events.",
    "Its signing secret (whsec_…) is this source's secret.",
  ],
  options: svix.options,
} as const satisfies Preset;
