/** Which presets the generic kind has, by the name that a configuration gives them. */
import type { Preset } from "./preset.ts";
import { dialog360 } from "./presets/360dialog.ts";
import { github } from "./presets/github.ts";
import { googlePubsub } from "./presets/google-pubsub.ts";
import { line } from "./presets/line.ts";
import { messagebird } from "./presets/messagebird.ts";
import { paypal } from "./presets/paypal.ts";
import { shopify } from "./presets/shopify.ts";
import { sinch } from "./presets/sinch.ts";
import { sns } from "./presets/sns.ts";
import { standardWebhooks } from "./presets/standard-webhooks.ts";
import { stripe } from "./presets/stripe.ts";
import { twitch } from "./presets/twitch.ts";
import { woocommerce } from "./presets/woocommerce.ts";
import { xero } from "./presets/xero.ts";
import { zoom } from "./presets/zoom.ts";

export const PRESETS = {
  github,
  stripe,
  shopify,
  "standard-webhooks": standardWebhooks,
  sinch,
  messagebird,
  "360dialog": dialog360,
  line,
  zoom,
  twitch,
  woocommerce,
  xero,
  sns,
  "google-pubsub": googlePubsub,
  paypal,
} as const satisfies Readonly<Record<string, Preset>>;

type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as readonly PresetName[];
