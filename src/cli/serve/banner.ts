/**
 * What `serve` tells people once it listens: where, for which sources, and a first message to try.
 * It says where a secret is and never what it is.
 */
import { fileOf, type Settings } from "../../config.ts";
import type { DestinationConfig } from "../../core/destination-config.ts";
import { NATIVE } from "../../core/source.ts";
import { systemClock } from "../../lib/clock.ts";
import { withPort } from "../../lib/host-name.ts";
import { visibleText } from "../../lib/visible-text.ts";
import type { Paint } from "../../observe/pretty-lines.ts";
import type { ConfiguredSource } from "../../sources/provider-source.ts";
import { VERSION } from "../../version.ts";
import { serviceUrl } from "../running-service.ts";
import { curlCommand } from "../send/curl.ts";
import { nativeRequests } from "../send/requests.ts";

export interface Serving {
  readonly settings: Settings;
  readonly configFile: string | undefined;
  readonly sources: readonly ConfiguredSource[];
  readonly destinations: readonly DestinationConfig[];
}

interface Ports {
  readonly port: number;
  readonly readPort: number | undefined;
}

/** Further ones are counted. */
const NAMED_MAX = 8;

export function banner(serving: Serving, { port, readPort }: Ports, paint: Paint): string {
  const { settings, configFile, sources, destinations } = serving;
  const reads = readPort ?? port;
  const link = (path: string, at: number) => paint("cyan", serviceUrl(path, at).href);
  const hasSecret = settings.webhookSecret !== undefined;
  const webhooks = [
    ...(hasSecret ? [[link("/webhook", port), NATIVE]] : []),
    ...sources.map(({ name, kind }) => [link(`/webhook/${name}`, port), kind]),
  ].map(([url, kind]) => `${url}  ${paint("dim", String(kind))}`);
  const destinationNames = destinations.map(({ name }) => name);
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ["dashboard", [`${link("/ui/", reads)}  ${paint("dim", signIn(settings))}`]],
    ["API", [link("/docs", reads)]],
    ["webhooks", first(webhooks)],
    ["sources in", configFile === undefined ? [] : [visibleText(configFile)]],
    ["handed on to", destinations.length === 0 ? [] : [first(destinationNames).join(", ")]],
    ["kept in", [databaseText(settings)]],
    ["secret in", hasSecret ? [visibleText(secretPlace())] : []],
  ];
  const shown = rows.filter(([, lines]) => lines.length > 0);
  const width = Math.max(...shown.map(([label]) => label.length)) + 2;
  const text = shown.flatMap(([label, lines]) =>
    lines.map((line, index) => `  ${paint("dim", (index === 0 ? label : "").padEnd(width))}${line}`),
  );
  return [
    "",
    `  ${paint("bold", `Postern ${VERSION}`)} listens at ${withPort(settings.host, port)}${readPort === undefined ? "" : `, for reads at ${withPort(settings.host, readPort)}`}. Ctrl-C stops it.`,
    "",
    ...text,
    "",
    ...(hasSecret ? [`  ${FIRST_MESSAGE}`, "", firstMessage(settings, port), ""] : []),
    "",
  ].join("\n");
}

/** Of that what somebody who tries it needs; undefined where there is no `POST /webhook`. */
export function firstSteps(settings: Settings, { port }: Pick<Ports, "port">): string | undefined {
  if (settings.webhookSecret === undefined) return undefined;
  const file = fileOf("webhookSecret");
  const where = file === undefined ? "" : `The webhook secret is in ${visibleText(file)}.\n`;
  return `${where}${FIRST_MESSAGE}\n${firstMessage(settings, port)}`;
}

const FIRST_MESSAGE = "A first message, ready to paste into another terminal:";

function firstMessage({ webhookSecret = "" }: Settings, port: number): string {
  const message = {
    ...{ message_id: "hello-1", from: "+919876543210", to: "+14155550100" },
    ...{ ts: new Date(systemClock.now()).toISOString(), text: "Hello, Postern" },
  };
  const request = nativeRequests(webhookSecret)(JSON.stringify(message))(systemClock.now());
  return Buffer.from(curlCommand(serviceUrl("/webhook", port), request))
    .toString()
    .trimEnd();
}

function signIn({ apiToken }: Settings): string {
  return apiToken === undefined ? "open: API_TOKEN is not set" : "sign in with API_TOKEN";
}

function databaseText({ databaseUrl }: Settings): string {
  if (databaseUrl.engine === "sqlite") return visibleText(databaseUrl.path);
  const { host, pathname } = new URL(databaseUrl.url);
  return visibleText(`PostgreSQL at ${host}${pathname}`);
}

function secretPlace(): string {
  return fileOf("webhookSecret") ?? "the environment variable WEBHOOK_SECRET";
}

function first(lines: readonly string[]): readonly string[] {
  const more = lines.length - NAMED_MAX;
  return more <= 0 ? lines : [...lines.slice(0, NAMED_MAX), `and ${more} more`];
}
