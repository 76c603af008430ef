/** Amazon SNS: messages that name their certificate; the secret is the topic's ARN. */
import type { Preset } from "../preset.ts";

export const sns = {
  title: "Amazon SNS",
  page: "https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html",
  steps: [
    "The topic's ARN is this source's secret.",
    "In the topic create a subscription: protocol HTTPS, the address as endpoint, raw message delivery off. It is confirmed by itself.",
  ],
  options: { scheme: { algorithm: "sns" }, event_type: "json Type" },
} as const satisfies Preset;
