/** Which presets the generic kind has, by the name that a configuration gives them. */
import type { Preset } from "./preset.ts";
import { dialog360 } from "./presets/360dialog.ts";
import { adyen } from "./presets/adyen.ts";
import { bitbucket } from "./presets/bitbucket.ts";
import { chatwoot } from "./presets/chatwoot.ts";
import { clerk } from "./presets/clerk.ts";
import { discord } from "./presets/discord.ts";
import { dropbox } from "./presets/dropbox.ts";
import { eventGrid } from "./presets/event-grid.ts";
import { github } from "./presets/github.ts";
import { gitlab } from "./presets/gitlab.ts";
import { googlePubsub } from "./presets/google-pubsub.ts";
import { hubspot } from "./presets/hubspot.ts";
import { infobip } from "./presets/infobip.ts";
import { intercom } from "./presets/intercom.ts";
import { line } from "./presets/line.ts";
import { linear } from "./presets/linear.ts";
import { mailgun } from "./presets/mailgun.ts";
import { mandrill } from "./presets/mandrill.ts";
import { messagebird } from "./presets/messagebird.ts";
import { microsoftGraph } from "./presets/microsoft-graph.ts";
import { paypal } from "./presets/paypal.ts";
import { resend } from "./presets/resend.ts";
import { sendgrid } from "./presets/sendgrid.ts";
import { shopify } from "./presets/shopify.ts";
import { sinch } from "./presets/sinch.ts";
import { sns } from "./presets/sns.ts";
import { square } from "./presets/square.ts";
import { standardWebhooks } from "./presets/standard-webhooks.ts";
import { stripe } from "./presets/stripe.ts";
import { supabase } from "./presets/supabase.ts";
import { svix } from "./presets/svix.ts";
import { telnyx } from "./presets/telnyx.ts";
import { twitch } from "./presets/twitch.ts";
import { woocommerce } from "./presets/woocommerce.ts";
import { xero } from "./presets/xero.ts";
import { zendesk } from "./presets/zendesk.ts";
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
  svix,
  resend,
  clerk,
  supabase,
  gitlab,
  bitbucket,
  square,
  adyen,
  discord,
  telnyx,
  infobip,
  chatwoot,
  sendgrid,
  mailgun,
  mandrill,
  hubspot,
  zendesk,
  intercom,
  linear,
  dropbox,
  "event-grid": eventGrid,
  "microsoft-graph": microsoftGraph,
  sns,
  "google-pubsub": googlePubsub,
  paypal,
} as const satisfies Readonly<Record<string, Preset>>;

type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as readonly PresetName[];
