/** Which kinds of destinations there are; the scheme of a destination's URL chooses. */
import type { DestinationConfig } from "../../core/destination-config.ts";
import { AMQP } from "./amqp-sink.ts";
import { FILE } from "./file-sink.ts";
import { HTTP } from "./http-kind.ts";
import { NATS } from "./nats-sink.ts";
import { REDIS } from "./redis-sink.ts";
import type { Sink } from "./sink.ts";
import type { SinkKind, Surroundings } from "./sink-kind.ts";

export const SINK_KINDS: readonly SinkKind[] = [HTTP, FILE, AMQP, NATS, REDIS];

/** Undefined where no kind has the scheme. */
export function knownSinkKind(url: string): SinkKind | undefined {
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0].toLowerCase();
  return SINK_KINDS.find(({ schemes }) => schemes.includes(scheme ?? ""));
}

/** Of a URL that was found to be right. */
export function sinkKindOf({ url }: Pick<DestinationConfig, "url">): SinkKind {
  const kind = knownSinkKind(url);
  if (kind === undefined) throw new RangeError("a destination has a URL of no kind");
  return kind;
}

export function openSink(config: DestinationConfig, surroundings: Surroundings): Sink {
  return sinkKindOf(config).open(config, surroundings);
}

/** The schemes of one kind, or of all, as people write them: `https:// or http://`. */
export function schemesText(kinds: readonly SinkKind[] = SINK_KINDS): string {
  return kinds.map(({ schemes }) => schemes.map((scheme) => `${scheme}//`).join(" or ")).join(", ");
}
