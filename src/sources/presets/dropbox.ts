/** Dropbox: how it signs, and the challenge by which it tries an address. */
import type { Preset } from "../preset.ts";

export const dropbox = {
  title: "Dropbox",
  page: "https://www.dropbox.com/developers/reference/webhooks",
  steps: [
    "In the App Console under Webhooks enter the address: the challenge is answered.",
    "The app secret is this source's secret.",
  ],
  options: {
    scheme: {
      algorithm: "hmac-sha256",
      signed: "{body}",
      header: "X-Dropbox-Signature",
      encoding: "hex",
    },
    handshakes: [
      { match: { method: "GET", query: { challenge: "*" } }, answer: { text: "{query.challenge}" } },
    ],
  },
} as const satisfies Preset;
