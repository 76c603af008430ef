/** `postern check-config --explain NAME`: what a source will do, in words. */
import type { SourceConfig } from "../sources/open-source.ts";
import type { ConfiguredSource } from "../sources/provider-source.ts";
import { counted } from "./output.ts";
import { table } from "./table.ts";

export function explanationOf(source: ConfiguredSource, config: SourceConfig): string {
  const { kind, secret, public_url, preset: known } = config;
  const { proof, signed, covers, replay, handshakes, messages, events } = source.explain();
  const secrets = [secret ?? []].flat().length;
  const { accepted, refusedStatus, name, networks } = source;
  const preset = typeof known === "string" ? `, preset ${known}` : "";
  const topics: readonly (readonly [topic: string, lines: readonly string[]])[] = [
    ["source", [`${name} (${kind}${preset}), at /webhook/${name}`]],
    ["network", networks.length === 0 ? [] : [`only from ${networks.join(", ")}`]],
    ["proof", [proof]],
    ["signed", signed === undefined ? [] : [signed]],
    ["secret", [counted(secrets, "secret") + (secrets > 1 ? ", any of which counts" : "")]],
    ["covers", [covers]],
    ["replay", [replay]],
    ["url", public_url === undefined ? [] : [public_url]],
    ["handshake", handshakes.length === 0 ? ["none"] : handshakes],
    ["message", messages.length === 0 ? ["none: everything is an event"] : messages],
    ["event", events],
    ["headers", [`${source.headersKept.join(", ")} are kept`]],
    [
      "answer",
      [
        [accepted.status, accepted.type, accepted.body].filter(Boolean).join(" "),
        `${refusedStatus} to what proves nothing`,
      ],
    ],
  ];
  return table(
    topics.flatMap(([topic, lines]) => lines.map((line, index) => [index === 0 ? topic : "", line])),
  );
}
