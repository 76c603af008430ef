/**
 * What went wrong where no answer came, told by what Bun's `fetch` throws. Its messages name the
 * whole URL, which may hold a secret, so nothing of them is passed on but the reasons of TLS.
 */
import { CAUSES, type Cause } from "./sink.ts";

const CODES: Readonly<Record<string, Cause>> = {
  ECONNREFUSED: "refused",
  EHOSTUNREACH: "refused",
  ENETUNREACH: "refused",
  EHOSTDOWN: "refused",
  EADDRNOTAVAIL: "refused",
  EACCES: "refused",
  EPERM: "refused",
  ECONNRESET: "reset",
  ECONNABORTED: "reset",
  EPIPE: "reset",
  ENOTFOUND: "dns",
  EAI_AGAIN: "dns",
  ETIMEDOUT: "timeout",
  Malformed_HTTP_Response: "answer",
  InvalidHTTPResponse: "answer",
  InvalidContentLength: "answer",
  ResponseHeadersTooLarge: "answer",
  UnrequestedUpgrade: "answer",
};

/** OpenSSL's reasons to refuse a certificate, and failed handshakes. */
const TLS =
  /CERT|SELF_SIGNED|CRL|^UNABLE_TO_|^INVALID_(?:CA|PURPOSE)$|PATH_LENGTH|HOSTNAME|^ERR_(?:SSL|TLS)|^EPROTO$/;

interface Failure {
  readonly cause: Cause;
  /** What tells it from others of its cause. */
  readonly detail: string;
  readonly excerpt: string;
}

export function failureOf(error: unknown): Failure {
  const { code, message = "" } = error as { code?: unknown; message?: string };
  const word = typeof code === "string" ? code : error instanceof Error ? error.name : "unknown";
  const cause = CODES[word] ?? (TLS.test(word) ? "tls" : "failed");
  const detail = cause === "tls" && !message.includes("fetching") ? `${message}, ${word}` : word;
  return { cause, detail, excerpt: `${CAUSES[cause]} (${detail})` };
}
