/** Which kinds of sources there are, by the name that a configuration gives them. */
import type { Kind } from "./kind.ts";
import { generic } from "./kinds/generic.ts";
import { meta } from "./kinds/meta.ts";
import { slack } from "./kinds/slack.ts";
import { telegram } from "./kinds/telegram.ts";
import { twilio } from "./kinds/twilio.ts";
import { viber } from "./kinds/viber.ts";
import { vonage } from "./kinds/vonage.ts";

export const KINDS: Readonly<Record<string, Kind>> = {
  meta,
  twilio,
  telegram,
  slack,
  vonage,
  viber,
  generic,
};
