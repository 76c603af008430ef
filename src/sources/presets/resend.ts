/** Resend: it sends by way of Svix. */
import type { Preset } from "../preset.ts";
import { svix } from "./svix.ts";

export const resend = {
  title: "Resend",
  page: "https://resend.com/docs/dashboard/webhooks/verify-webhooks-requests",
  steps: [
    "Under Webhooks add an endpoint with the address, and choose the events.",
    "Its signing secret (whsec_…) is this source's secret.",
  ],
  options: svix.options,
} as const satisfies Preset;
