/**
 * `GET /sources` and `/sources/{name}`: what each source is, in words, for whoever connects a
 * provider to it. No secret is among them. `POST /sources/{name}/test` sends it a request.
 */
import { type Static, Type } from "typebox";
import { DetailAnswer } from "../../core/field-errors.ts";
import { type Explanation, NATIVE, type ProviderSource, type Source } from "../../core/source.ts";
import { detail, json } from "../../lib/response.ts";
import type { Exchange, Route } from "../../lib/route.ts";
import type { IngestOptions } from "./accounting.ts";
import { receiveFromProvider } from "./provider-webhook.ts";
import { sendTest, TestResult, testMessage } from "./source-test.ts";
import type { CountedSource, Sources } from "./sources.ts";
import { receiveNative } from "./webhook.ts";

const Lines = (description: string) => Type.Array(Type.String(), { description });
const OrNull = (description: string) => Type.Union([Type.String(), Type.Null()], { description });
const SourceAnswer = Type.Object(
  {
    name: Type.String(),
    kind: Type.String({ description: "As in the configuration; `native` is the source of `/webhook`." }),
    preset: OrNull("Of the kind `generic`, where it has one."),
    title: Type.String({ description: "The provider's name." }),
    page: OrNull("The provider's page about its webhooks."),
    path: Type.String({ description: "Where it takes requests." }),
    on_this_listener: Type.Boolean({
      description: "Whether it takes requests where this was asked; with `READ_PORT` it does on `PORT`.",
    }),
    public_url: OrNull("The address as the provider knows it, without a query, where it is configured."),
    steps: Lines("What is done in the provider's console."),
    proof: Type.String({ description: "What proves a request." }),
    signed: OrNull("What is signed, where the configuration says it as a template."),
    covers: Type.String({ description: "What nobody can change on the way." }),
    replay: Type.String({ description: "What becomes of a request that is sent again." }),
    handshakes: Lines("Which requests are answered without being stored."),
    messages: Lines("What becomes a message."),
    events: Lines("What becomes an event."),
    weaknesses: Lines("What its proof doesn't cover."),
    networks: Lines("Networks that alone may send; empty when all may."),
    headers_kept: Lines("Names of the headers that are kept; one may end with `*`."),
    secrets: Type.Integer({ minimum: 0, description: "How many secrets count." }),
    no_test_because: OrNull("Why it can't be sent a test; null where it can."),
  },
  {
    $id: "Source",
    examples: [
      {
        name: "github",
        kind: "generic",
        preset: "github",
        title: "GitHub",
        page: "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
        path: "/webhook/github",
        on_this_listener: true,
        public_url: null,
        steps: [
          "In the settings of the repository or organisation, Webhooks: add one with the address as payload URL, and this source's secret.",
        ],
        proof: "HMAC-SHA256 in the header X-Hub-Signature-256",
        signed: "{body}",
        covers: "every byte of the body",
        replay: "the same again is a duplicate, at any time",
        handshakes: [],
        messages: [],
        events: ["everything else: other", "type where nothing says one: header X-GitHub-Event"],
        weaknesses: [],
        networks: [],
        headers_kept: ["content-type", "user-agent", "X-GitHub-*"],
        secrets: 1,
        no_test_because: null,
      },
    ],
  },
);
const SourceCollection = Type.Object(
  { data: Type.Array(SourceAnswer, { description: "The native source first, then in the file's order." }) },
  { $id: "SourceCollection" },
);
type SourceAnswer = Static<typeof SourceAnswer>;
type Described = Omit<SourceAnswer, "on_this_listener">;

const Name = Type.Object({ name: Type.String({ description: "The source's name.", examples: ["native"] }) });
const UNKNOWN = { description: "There is no such source.", schema: DetailAnswer };
const noSource = () => detail(404, "there is no such source");
const UNKNOWN_FORM = "the form of its provider's requests isn't known";
const ONLY_SENDER = "only the sender has the key that signs";

const NATIVE_WORDS: Explanation = {
  proof: "HMAC-SHA256 of the body by WEBHOOK_SECRET, in the header X-Signature",
  covers: "every byte of the body",
  replay: "the same again is a duplicate, at any time",
  handshakes: [],
  messages: ["each body, by its message_id"],
  events: [],
};

interface SourceRoutesOptions {
  /** Undefined when it isn't served. */
  readonly native: CountedSource<Source> | undefined;
  readonly sources: Pick<Sources, "get" | "names">;
  readonly ingest: IngestOptions;
  /** Whether reads have a listener of their own. */
  readonly readsApart: boolean;
  /** For the identifier of a test. */
  readonly newId: () => string;
}

export function sourceRoutes(options: SourceRoutesOptions): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/sources",
      access: "token",
      listener: "read",
      doc: {
        id: "describeSources",
        tag: "Operate",
        summary: "Describe the sources",
        description:
          "What each source that is served is and does, in words, as its configuration says now. Never a secret.",
        answers: { 200: { description: "The sources.", schema: SourceCollection } },
      },
      handle: () => json(200, { data: described(options) } satisfies Static<typeof SourceCollection>),
    },
    {
      method: "GET",
      path: "/sources/{name}",
      access: "token",
      listener: "read",
      doc: {
        id: "describeSource",
        tag: "Operate",
        summary: "Describe a source",
        description: "As in `/sources`.",
        path: Name,
        answers: { 200: { description: "The source.", schema: SourceAnswer }, 404: UNKNOWN },
      },
      handle: ({ parameter }) => {
        const found = described(options).find(({ name }) => name === parameter);
        return found === undefined ? noSource() : json(200, found);
      },
    },
    {
      method: "POST",
      path: "/sources/{name}/test",
      access: "token",
      changes: true,
      listener: "read",
      doc: {
        id: "testSource",
        tag: "Operate",
        summary: "Send a test to a source",
        description:
          "Makes a message whose text says that it is a test, signs it as the provider would, and takes it in as any other " +
          "request: it is verified, stored, counted and handed on. Only the network between is left out, `allow_from` " +
          "included.",
        path: Name,
        answers: {
          200: { description: "What became of it; a refusal too.", schema: TestResult },
          404: UNKNOWN,
          409: { description: "It can't be signed here: why.", schema: DetailAnswer },
          503: { description: "It can't be stored now.", schema: DetailAnswer },
        },
      },
      handle: (exchange) => test(options, exchange),
    },
  ];
}

function described({ native, sources, readsApart }: SourceRoutesOptions): SourceAnswer[] {
  const configured = sources.names.flatMap((name) => sources.get(name)?.source ?? []);
  const all = [
    ...(native === undefined ? [] : [describedNative(native.source)]),
    ...configured.map(describe),
  ];
  return all.map((each) => ({ ...each, on_this_listener: !readsApart }));
}

function describedNative({ secrets }: Source): Described {
  return {
    ...NATIVE_WORDS,
    ...{ name: NATIVE, kind: NATIVE, preset: null, title: "Your own programs", page: null },
    ...{ path: "/webhook", public_url: null, signed: null },
    ...{ handshakes: [], messages: [...NATIVE_WORDS.messages], events: [] },
    steps: [
      "Post a JSON object with message_id, from, to, ts and text to the address.",
      "Sign the body, byte for byte, with WEBHOOK_SECRET: HMAC-SHA256 in lower-case hexadecimal, in the header X-Signature.",
    ],
    ...{ weaknesses: [], networks: [], headers_kept: [], secrets: secrets.length, no_test_because: null },
  };
}

function describe(source: ProviderSource): Described {
  const { name, kind, config, publicUrl, canSign } = source;
  const { title, page, steps } = source.setup();
  const { proof, signed, covers, replay, handshakes, messages, events } = source.explain();
  const { preset } = config;
  return {
    ...{ name, kind, preset: typeof preset === "string" ? preset : null, title, page: page ?? null },
    ...{ path: `/webhook/${name}`, public_url: publicUrl ?? null, steps: [...steps] },
    ...{ proof, signed: signed ?? null, covers, replay, handshakes: [...handshakes] },
    ...{ messages: [...messages], events: [...events], weaknesses: [...source.weaknesses] },
    ...{ networks: [...source.networks], headers_kept: [...source.headersKept] },
    secrets: [config.secret ?? []].flat().length,
    no_test_because: canSign ? null : ONLY_SENDER,
  };
}

async function test(options: SourceRoutesOptions, exchange: Exchange): Promise<Response> {
  const { native, sources, ingest, newId } = options;
  const { parameter: name } = exchange;
  const now = ingest.clock.now();
  const message = testMessage(`test-${newId()}`, name, now);
  if (name === NATIVE && native !== undefined) {
    const trial = native.source.trial(message);
    return sendTest(exchange, { trial, path: "/webhook" }, (inner) => receiveNative(native, ingest, inner));
  }
  const counted = sources.get(name);
  if (counted === undefined) return noSource();
  const path = `/webhook/${name}`;
  const trial = counted.source.trial(message, counted.source.signedUrl(path, ""), now);
  if (trial === undefined) return detail(409, counted.source.canSign ? UNKNOWN_FORM : ONLY_SENDER);
  const { knownClient } = counted.source;
  return sendTest(exchange, { trial, path, client: knownClient }, (inner) =>
    receiveFromProvider(counted, ingest, inner),
  );
}
