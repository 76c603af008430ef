/** 360dialog: how it signs, and where its messages stand. */
import type { Preset } from "../preset.ts";

export const dialog360 = {
  title: "360dialog",
  page: "https://docs.360dialog.com/docs/messaging/webhook",
  steps: [
    "Set the address as webhook URL of the channel or the partner.",
    "The platform secret of the Partner Hub is this source's secret.",
  ],
  options: {
    scheme: {
      algorithm: "hmac-sha256",
      signed: "{body}",
      header: "X-360dialog-Signature",
      encoding: "hex",
      prefix: "sha256=",
    },
    map: "whatsapp",
  },
} as const satisfies Preset;
