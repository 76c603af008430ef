/**
 * The thread that inspects large bodies: it opens the source of each anew, and gives the body back.
 */
import { KeysUnavailable } from "../../core/errors.ts";
import type { Inspected, Normalised } from "../../core/source.ts";
import { freeBytes } from "../../lib/free-bytes.ts";
import { nativeSource } from "../native.ts";
import { openSource } from "../open-source.ts";
import type { Question, Result, Unavailable } from "./protocol.ts";

declare const self: Worker;

/** The collector doesn't see by itself how much a large body has left behind. */
const COLLECT_AT_BYTES = 1024 * 1024;
let inspectedBytes = 0;

self.onmessage = async ({ data }: MessageEvent<Question>) => {
  const { body, number } = data;
  inspectedBytes += body.length;
  const answered = await answer(data);
  const json = JSON.stringify(answered, withoutBody);
  if (answered === null || "refusal" in answered || "unavailable" in answered) {
    freeBytes(body);
    postMessage({ number, json, body: undefined } satisfies Result);
  } else postMessage({ number, json, body } satisfies Result, [body.buffer as ArrayBuffer]);
  if (inspectedBytes < COLLECT_AT_BYTES) return;
  inspectedBytes = 0;
  Bun.gc(true);
};

async function answer(question: Question): Promise<Inspected | Normalised | Unavailable | null> {
  const { body } = question;
  if (question.kind === "native") {
    const source = nativeSource(question.secrets);
    return source.verify(question.proof, body) ? source.normalise(body) : null;
  }
  const { name, config, method, headers: pairs, url, client, now } = question;
  const headers = new Headers(pairs.map(([key, value]) => [key, value]));
  const head = { method, headers, url, ...(client !== undefined && { client }) };
  const source = openSource(name, config);
  const begun = source.begin(head, now);
  if (typeof begun !== "function") return { refusal: begun };
  try {
    await source.prepare?.({ ...head, body }, now);
  } catch (error) {
    if (error instanceof KeysUnavailable) return { unavailable: String(error.cause) };
    throw error;
  }
  return begun(body);
}

/** The body goes beside the text, and what would have been signed is told offline alone. */
function withoutBody(name: string, value: unknown): unknown {
  return name === "signed" || value instanceof Uint8Array ? undefined : value;
}
