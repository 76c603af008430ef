/** Supabase's auth hooks: Standard Webhooks, whose answer may change what they are about. */
import type { Preset } from "../preset.ts";
import { standardWebhooks } from "./standard-webhooks.ts";

export const supabase = {
  title: "Supabase",
  page: "https://supabase.com/docs/guides/auth/auth-hooks",
  steps: [
    "In the dashboard, Authentication, Hooks: add one of the type HTTPS with the address.",
    "Its secret (v1,whsec_…) is this source's secret. The answer is {}, which changes nothing.",
  ],
  options: {
    ...standardWebhooks.options,
    // Two secrets make two signatures, with a comma between them.
    scheme: { ...standardWebhooks.options.scheme, separator: ", " },
    event_type: "json metadata.name",
    answer: { type: "application/json", body: "{}" },
  },
} as const satisfies Preset;
