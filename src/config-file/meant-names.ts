/** The kind or the preset that somebody may have meant who wrote another name. */
import { closest } from "../lib/closest.ts";
import { KINDS } from "../sources/kinds.ts";
import { PRESET_NAMES } from "../sources/presets.ts";

/** What people call what has another name here; by letters and digits alone. */
const KINDS_BY_OTHER_NAMES: Readonly<Record<string, string>> = {
  ...{ whatsapp: "meta", whatsappbusiness: "meta", whatsappcloud: "meta", waba: "meta", wa: "meta" },
  ...{ messenger: "meta", facebook: "meta", facebookmessenger: "meta", fb: "meta" },
  ...{ instagram: "meta", ig: "meta", sms: "twilio or vonage", nexmo: "vonage" },
  ...{ webhook: "generic", custom: "generic", other: "generic", hmac: "generic" },
};
const PRESETS_BY_OTHER_NAMES: Readonly<Record<string, (typeof PRESET_NAMES)[number]>> = {
  ...{ aws: "sns", awssns: "sns", amazonsns: "sns", pubsub: "google-pubsub", gmail: "google-pubsub" },
  ...{ graph: "microsoft-graph", outlook: "microsoft-graph", teams: "microsoft-graph" },
  ...{ azure: "event-grid", azureeventgrid: "event-grid", bird: "messagebird", mailchimp: "mandrill" },
  ...{ "360": "360dialog", dialog360: "360dialog" },
};

/** In words, after "did you mean"; undefined when nothing is near. */
export function kindMeant(given: string): string | undefined {
  return (
    KINDS_BY_OTHER_NAMES[lettersOf(given)] ??
    withPreset(presetCalled(given)) ??
    closest(given, Object.keys(KINDS)) ??
    withPreset(closest(given, PRESET_NAMES))
  );
}

/** The same of a preset, which may be a kind. */
export function presetMeant(given: string): string | undefined {
  const kind = Object.keys(KINDS).find((name) => name === lettersOf(given));
  const meant = kind ?? KINDS_BY_OTHER_NAMES[lettersOf(given)];
  if (meant !== undefined && meant !== "generic") return `kind: ${meant}`;
  return presetCalled(given) ?? closest(given, PRESET_NAMES);
}

function presetCalled(given: string): string | undefined {
  const letters = lettersOf(given);
  return PRESETS_BY_OTHER_NAMES[letters] ?? PRESET_NAMES.find((name) => lettersOf(name) === letters);
}

function withPreset(preset: string | undefined): string | undefined {
  return preset === undefined ? undefined : `kind: generic with preset: ${preset}`;
}

function lettersOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}
