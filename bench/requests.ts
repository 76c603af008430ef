// Writes files of complete, signed HTTP requests for wrk.lua. The same messages always give the
// same bytes, so that all servers get the same requests.

import { firstInstantMs, type Message, messages, type Stretch } from "./messages.ts";
import { writePieces } from "./pieces.ts";
import { openText } from "./text.ts";

/** The secret that signs the requests; a server under test gets it as WEBHOOK_SECRET. */
export const secret = "bench-secret-f2c1d8a0b7e94c35";

const senders = 10_000;
const msPerMessage = 350;

export function writeDefaultRequests(
  path: string,
  stretch: Pick<Stretch, "first" | "count"> & { to: string },
): Promise<void> {
  return writeRequests(path, defaultMessages(stretch));
}

/** Messages with ids as WhatsApp makes them and texts of the built-in words. */
export function defaultMessages(
  stretch: Pick<Stretch, "first" | "count"> & { to: string },
): Generator<Message> {
  const series = { seed: 0, ids: "random" as const, senders, source: openText() };
  const instants = { firstInstantMs: firstInstantMs + stretch.first * msPerMessage, msPerMessage };
  return messages(series, { ...stretch, ...instants });
}

export function writeRequests(path: string, messages: Iterable<Message>): Promise<void> {
  return writePieces(path, records(messages));
}

/** What wrk.lua reads: five digits, the length of the request, and the request itself. */
function* records(messages: Iterable<Message>): Generator<string> {
  const signer = newSigner();
  for (const message of messages) {
    const request = signedRequest(JSON.stringify(message), signer);
    yield String(Buffer.byteLength(request)).padStart(5, "0") + request;
  }
}

export function newSigner(): Bun.CryptoHasher {
  return new Bun.CryptoHasher("sha256", secret);
}

export function signedRequest(body: string, signer: Bun.CryptoHasher): string {
  return (
    "POST /webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" +
    `X-Signature: ${signer.copy().update(body).digest("hex")}\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}
