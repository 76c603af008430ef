/** PayPal signs by the key of a certificate that a header names; the secret is the webhook's ID. */
import type { Preset } from "../preset.ts";

const CERTIFICATES = "/v1/notifications/certs/";

export const paypal = {
  title: "PayPal",
  page: "https://developer.paypal.com/api/rest/webhooks/rest/",
  steps: [
    "In the developer dashboard open the app and add a webhook with the address; choose the events.",
    "The webhook's ID is this source's secret; live and sandbox have one each.",
  ],
  options: {
    scheme: {
      algorithm: "rsa-sha256",
      header: "PAYPAL-TRANSMISSION-SIG",
      encoding: "base64",
      certificate: "header PAYPAL-CERT-URL",
      certificate_hosts: [
        ...[`api.paypal.com${CERTIFICATES}`, `api-m.paypal.com${CERTIFICATES}`],
        ...[`api.sandbox.paypal.com${CERTIFICATES}`, `api-m.sandbox.paypal.com${CERTIFICATES}`],
      ],
      // A CRC is no hash: another body can be made that has the same.
      signed: "{header.PAYPAL-TRANSMISSION-ID}|{header.PAYPAL-TRANSMISSION-TIME}|{secret}|{crc32(body)}",
      covers_body: false,
    },
    delivery_id: "json id",
    event_type: "json event_type",
  },
} as const satisfies Preset;
