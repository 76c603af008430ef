/**
 * The thread that inspects large bodies: it opens the source of each anew, and gives the body back.
 */
import type { Inspected, Normalised } from "../../core/source.ts";
import { freeBytes } from "../../lib/free-bytes.ts";
import { nativeSource } from "../native.ts";
import { openSource } from "../open-source.ts";
import type { Question, Result } from "./protocol.ts";

declare const self: Worker;

/** The collector doesn't see by itself how much a large body has left behind. */
const COLLECT_AT_BYTES = 1024 * 1024;
let inspectedBytes = 0;

self.onmessage = ({ data }: MessageEvent<Question>) => {
  const { body } = data;
  inspectedBytes += body.length;
  const answered = answer(data);
  const json = JSON.stringify(answered, withoutBody);
  if (answered === null || "refusal" in answered) {
    freeBytes(body);
    postMessage({ json, body: undefined } satisfies Result);
  } else postMessage({ json, body } satisfies Result, [body.buffer as ArrayBuffer]);
  if (inspectedBytes < COLLECT_AT_BYTES) return;
  inspectedBytes = 0;
  Bun.gc(true);
};

function answer(question: Question): Inspected | Normalised | null {
  const { body } = question;
  if (question.kind === "native") {
    const source = nativeSource(question.secrets);
    return source.verify(question.proof, body) ? source.normalise(body) : null;
  }
  const { name, config, headers, url, now } = question;
  const head = { headers: new Headers(headers.map(([key, value]) => [key, value])), url };
  const begun = openSource(name, config).begin(head, now);
  return typeof begun === "function" ? begun(body) : { refusal: begun };
}

/** The body goes beside the text, and what would have been signed is told offline alone. */
function withoutBody(name: string, value: unknown): unknown {
  return name === "signed" || value instanceof Uint8Array ? undefined : value;
}
