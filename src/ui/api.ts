/**
 * The HTTP API as the dashboard asks it: typed by the OpenAPI document, always by references
 * relative to the page, with failures in words that can be shown.
 */
import type { components, paths } from "./api-types.d.ts";

export type Schemas = components["schemas"];
type Json<Answers> = Answers extends { readonly content: { readonly "application/json": infer Body } }
  ? Body
  : undefined;
type Success<Operation> = Operation extends { readonly responses: infer Answers }
  ? Json<Answers[keyof Answers & (200 | 201 | 202)]>
  : never;
type Get = {
  [Path in keyof paths]: paths[Path] extends { readonly get: object } ? Path : never;
}[keyof paths];
type Answer<Path extends Get> = Success<paths[Path]["get"]>;
type Query<Path extends Get> = paths[Path]["get"] extends {
  readonly parameters: { readonly query?: infer Given };
}
  ? NonNullable<Given>
  : object;

/** The place in the order of receipt that a position names. */
export function seqOf(position: string): number {
  return Number(position.split(".").at(-1));
}

/** A request that did not succeed; `message` is for people. */
export class ApiError extends Error {
  /** 0 where there was no answer. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Told of every 401: the session is over. */
const refusals = new Set<() => void>();
export function onRefused(listener: () => void): void {
  refusals.add(listener);
}

/** `/messages/{message_id}` with its parameters, as the page refers to it. */
function reference(
  path: string,
  parameters: Readonly<Record<string, string>> = {},
  query: object = {},
): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parameters[name] ?? ""));
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return `..${filled}${search.size === 0 ? "" : `?${search}`}`;
}

interface GetOptions<Path extends Get> {
  readonly parameters?: Readonly<Record<string, string>>;
  readonly query?: Query<Path>;
  readonly signal?: AbortSignal;
}

/** Throws `ApiError`; an `AbortError` when the signal is aborted. */
export async function get<Path extends Get>(
  path: Path,
  options: GetOptions<Path> = {},
): Promise<Answer<Path>> {
  return (await getPage(path, options)).answer;
}

/** The same of a list, with the cursor of the page behind it where there is one. */
export async function getPage<Path extends Get>(
  path: Path,
  { parameters, query, signal }: GetOptions<Path> = {},
): Promise<{ readonly answer: Answer<Path>; readonly cursor: string | undefined }> {
  const response = await ask(reference(path, parameters, query), signal === undefined ? {} : { signal });
  const link = /^<\?([^>]*)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
  const cursor = new URLSearchParams(link).get("cursor") ?? undefined;
  return { answer: (await response.json()) as Answer<Path>, cursor };
}

/** Changes something; gives the answer's body, undefined where it has none. */
export async function send(
  method: "POST" | "PUT" | "DELETE",
  path: keyof paths,
  {
    parameters,
    query,
    body,
  }: {
    readonly parameters?: Readonly<Record<string, string>>;
    readonly query?: object;
    readonly body?: unknown;
  } = {},
): Promise<unknown> {
  const response = await ask(reference(path, parameters, query), {
    method,
    headers: { "X-Postern-UI": "1", ...(body !== undefined && { "Content-Type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return text === "" ? undefined : JSON.parse(text);
}

async function ask(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, "The service can't be reached.");
  }
  if (response.ok) return response;
  if (response.status === 401) for (const listener of refusals) listener();
  throw new ApiError(response.status, await inWords(response));
}

async function inWords(response: Response): Promise<string> {
  const wait = response.headers.get("retry-after");
  const body = (await response.json().catch(() => undefined)) as { readonly detail?: unknown } | undefined;
  const { detail } = body ?? {};
  if (Array.isArray(detail))
    return detail.map(({ loc, msg }) => `${(loc as unknown[]).slice(1).join(".")}: ${msg}.`).join(" ");
  const text = typeof detail === "string" ? sentence(detail) : `The service answered ${response.status}.`;
  return wait === null ? text : `${text} Try again in ${wait} s.`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
