/**
 * What a preset of the generic kind is: how a well-known provider signs, which header or field
 * identifies a delivery, and where a message's fields stand, each from the provider's own
 * documentation. A preset is one file in `presets/`, one line in `presets.ts`, and its cases.
 */
import type { FieldMap } from "./field-map.ts";
import type { Handshakes, SuccessAnswer } from "./handshakes.ts";
import type { GenericScheme } from "./schemes/generic.ts";

/** What a source says counts more than these, option by option. */
export interface PresetOptions {
  readonly scheme: GenericScheme;
  /**
   * A list of maps: the first that understands an item counts for it. `whatsapp` means the shapes
   * of Meta's WhatsApp webhooks.
   */
  readonly map?: readonly FieldMap[] | "whatsapp";
  readonly delivery_id?: string | readonly string[];
  readonly delivery_id_header?: string;
  /**
   * Its identifier is one event's alone, and a retry has other bytes: it counts its attempts there.
   * Not with a key that a source says itself.
   */
  readonly key_decides?: boolean;
  /** Where the type of an event stands of which the map says none. */
  readonly event_type?: string | readonly string[];
  readonly handshakes?: Handshakes;
  readonly answer?: SuccessAnswer;
  /** Headers that are kept besides those of every source; a name may end with `*`. */
  readonly keep_headers?: readonly string[];
}

export interface Preset {
  /** The provider's name. */
  readonly title: string;
  /** The provider's page that says it. */
  readonly page: string;
  /** What is done in its console; the address is that of the source, the secret its own. */
  readonly steps: readonly string[];
  readonly options: PresetOptions;
}
