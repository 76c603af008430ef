/**
 * Asks a running service by its API, from this machine or another one. What it refuses is told in a
 * way that says what to do.
 */
import { readSome } from "../config.ts";
import { visibleText } from "../lib/visible-text.ts";
import { VERSION } from "../version.ts";
import { detailOf } from "./answer-detail.ts";
import { CommandFailed, UsageError } from "./errors.ts";
import { serviceUrl } from "./running-service.ts";

/** No answer, or one of a service that can't work now: the same may succeed later. */
export class Unavailable extends CommandFailed {}

interface Question {
  readonly method?: "GET" | "PUT" | "POST" | "DELETE";
  /** What is undefined isn't asked. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly json?: object;
  /** Ends the waiting for an answer. */
  readonly signal?: AbortSignal;
  /** What the caller makes something of, beside 2xx. */
  readonly also?: readonly number[];
}

export interface Answer {
  readonly status: number;
  /** Parsed; undefined when it is empty. */
  readonly body: unknown;
}

/** Longer than the service waits for something to tell. */
const ANSWER_MS_MAX = 45_000;
const DETAIL_CHARS_MAX = 300;
const PASSING = [408, 425, 429];

export class ServiceClient {
  readonly #base: URL;
  readonly #token: string | undefined;

  /** Throws `StartRefused`, `UsageError`. */
  constructor(url: URL | undefined) {
    const { apiToken, readPort } = readSome(["apiToken", "readPort"]);
    this.#base = url ?? serviceUrl("/", readPort);
    this.#token = apiToken;
  }

  /**
   * Throws `Unavailable`, `CommandFailed`, and `UsageError` for what the service takes for a
   * mistake.
   */
  async ask(
    path: string,
    { method = "GET", query = {}, json, signal, also = [] }: Question = {},
  ): Promise<Answer> {
    const url = this.#urlOf(path, query);
    const { status, text } = await this.#fetch(url, method, json, signal);
    if (!(status >= 200 && status < 300) && !also.includes(status)) throw this.#refusal(url, status, text);
    if (text === "") return { status, body: undefined };
    try {
      return { status, body: JSON.parse(text) };
    } catch {
      throw new CommandFailed(`${this.#base.origin} answers, but not as Postern does`);
    }
  }

  #urlOf(path: string, query: NonNullable<Question["query"]>): URL {
    const url = new URL(this.#base);
    url.pathname = `${url.pathname.replace(/\/+$/, "")}${path}`;
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    return url;
  }

  async #fetch(url: URL, method: string, json: object | undefined, signal: AbortSignal | undefined) {
    const late = AbortSignal.timeout(ANSWER_MS_MAX);
    try {
      const answer = await fetch(url, {
        method,
        headers: {
          Accept: "application/json",
          "User-Agent": `postern/${VERSION}`,
          ...(this.#token !== undefined && { Authorization: `Bearer ${this.#token}` }),
          ...(json !== undefined && { "Content-Type": "application/json" }),
        },
        ...(json !== undefined && { body: JSON.stringify(json) }),
        redirect: "manual",
        signal: signal === undefined ? late : AbortSignal.any([signal, late]),
      });
      return { status: answer.status, text: await answer.text() };
    } catch (error) {
      if (signal?.aborted) throw error;
      const { code, message } = error as { code?: string; message?: string };
      const why = late.aborted ? `nothing for ${ANSWER_MS_MAX / 1000} s` : (code ?? message);
      throw new Unavailable(`no answer from ${url.origin} (${why})`);
    }
  }

  #refusal({ origin, pathname }: URL, status: number, text: string): Error {
    const detail = visibleText(detailOf(text).replace(/\s+/g, " ").trim().slice(0, DETAIL_CHARS_MAX));
    const said = `${origin} answered ${status} ${detail}`.trimEnd();
    if (status >= 500 || PASSING.includes(status)) return new Unavailable(said);
    if (status === 422) return new UsageError(detail);
    if (status === 401 && this.#token === undefined)
      return new CommandFailed(`${origin} wants a token: set API_TOKEN to the service's`);
    if (status === 401)
      return new CommandFailed(`${origin} doesn't take this API_TOKEN: set it to the service's`);
    if (status === 404)
      return new CommandFailed(
        `${origin} has no ${pathname}: --url takes the address of the service, at its READ_PORT if it has one (${status} ${detail})`,
      );
    return new CommandFailed(said);
  }
}
