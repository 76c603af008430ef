/** The thread that inspects large bodies: it opens the source of each anew, and gives the body back. */
import type { Inspected } from "../../core/source.ts";
import { nativeSource } from "../native.ts";
import { openSource } from "../open-source.ts";
import type { Question, Result } from "./protocol.ts";

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<Question>) => {
  const { body } = data;
  const result: Result = { json: JSON.stringify(answer(data), withoutBody), body };
  postMessage(result, [body.buffer as ArrayBuffer]);
};

function answer(question: Question): Inspected | boolean {
  const { body } = question;
  if (question.kind === "native") return nativeSource(question.secrets).verify(question.proof, body);
  const { name, config, headers, url, now } = question;
  const head = { headers: new Headers(headers.map(([key, value]) => [key, value])), url };
  const begun = openSource(name, config).begin(head, now);
  return typeof begun === "function" ? begun(body) : { refusal: begun };
}

/** The body goes beside the text. */
function withoutBody(_name: string, value: unknown): unknown {
  return value instanceof Uint8Array ? undefined : value;
}
