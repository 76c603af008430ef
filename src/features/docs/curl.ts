/** Each operation as lines of a shell that ask this service for it. */
import { type ApiOperation, type NamedOperation, schemaOf } from "./api-document.ts";
import { exampleOf } from "./examples.ts";

interface Asking {
  /** What the shell does first. */
  readonly before?: readonly string[];
  /** Arguments in the place of a body by its schema. */
  readonly args?: readonly string[];
  /** For people, above the lines. */
  readonly note: string;
}

/** What a schema doesn't say: how a request proves its origin. */
const SPECIAL: Readonly<Record<string, Asking>> = {
  receiveMessage: {
    note:
      "The signature is of the very bytes that are sent, so they are kept in a variable. `WEBHOOK_SECRET` is the one that " +
      "the service has. `postern send` signs by itself.",
    before: [signatureOf("WEBHOOK_SECRET")],
    args: ['-H "X-Signature: $SIGNATURE"', "-H 'Content-Type: application/json'", '--data-binary "$BODY"'],
  },
  receiveFromProvider: {
    note:
      "Each provider signs in its own way: this is Meta's, for a source `wa`, with the app's secret in `APP_SECRET`. " +
      "`POST /sources/wa/test` makes and signs a request for any source.",
    before: [`BODY='{"object":"whatsapp_business_account","entry":[]}'`, signatureOf("APP_SECRET")],
    args: [
      '-H "X-Hub-Signature-256: sha256=$SIGNATURE"',
      "-H 'Content-Type: application/json'",
      '--data-binary "$BODY"',
    ],
  },
  answerProvider: {
    note: "As Meta asks, for a source `wa`, with its `verify_token` in `VERIFY_TOKEN`.",
    args: [
      "--data-urlencode 'hub.mode=subscribe'",
      '--data-urlencode "hub.verify_token=$VERIFY_TOKEN"',
      "-d 'hub.challenge=1158201444'",
    ],
  },
  answerProviderByHeaders: {
    note: "As Azure Event Grid asks, where the source `wa` is one that answers it.",
    args: ["-H 'WebHook-Request-Origin: eventgrid.azure.net'"],
  },
};

/** In a shell: of what `BODY` holds. */
function signatureOf(secret: string): string {
  return `SIGNATURE=$(printf %s "$BODY" | openssl dgst -sha256 -hmac "$${secret}" -r | cut -d' ' -f1)`;
}

interface Surroundings {
  /** Of the service, without a slash behind it. */
  readonly base: string;
  /** Whether a token is configured. */
  readonly isGuarded: boolean;
}

interface Curl {
  /** For people; empty where the lines say enough. */
  readonly note: string;
  readonly text: string;
}

export function curlOf(named: NamedOperation, { base, isGuarded }: Surroundings): Curl {
  const { path, method, operation } = named;
  const { note = "", before = [], args } = SPECIAL[operation.operationId] ?? {};
  const wantsToken = isGuarded && operation.security.length > 0;
  const body = operation.requestBody && JSON.stringify(exampleOf(schemaOf(operation.requestBody.content)));
  const isStream = Object.hasOwn(operation.responses["200"]?.content ?? {}, "text/event-stream");
  const words = [
    ...(method === "GET" ? [] : [`-X ${method}`]),
    ...(method === "GET" && args !== undefined ? ["-G"] : []),
    ...(isStream ? ["-N"] : []),
    quoted(`${base}${filled(path, operation)}`),
  ];
  const lines = [
    `curl ${words.join(" ")}`,
    ...(wantsToken ? ['-H "Authorization: Bearer $API_TOKEN"'] : []),
    ...(args ?? (body === undefined ? [] : ["-H 'Content-Type: application/json'", `-d ${quoted(body)}`])),
  ];
  const variables = args !== undefined && body !== undefined ? [`BODY=${quoted(body)}`] : [];
  return { note, text: [...variables, ...before, lines.join(" \\\n  ")].join("\n") };
}

/** With the examples of its parameters. */
function filled(path: string, { parameters = [] }: ApiOperation): string {
  const example = (name: string) => {
    const found = parameters.find((parameter) => parameter.name === name);
    return encodeURIComponent(String(found?.example ?? exampleOf(found?.schema ?? {})));
  };
  const asked = parameters.filter(
    (each) => each.in === "query" && (each.required || each.example !== undefined),
  );
  const query = asked.map(({ name }) => `${name}=${example(name)}`).join("&");
  return `${path.replace(/\{(\w+)\}/g, (_, name: string) => example(name))}${query === "" ? "" : `?${query}`}`;
}

/** As one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
