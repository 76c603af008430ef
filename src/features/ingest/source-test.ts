/**
 * A test of a source while it serves: a request as its provider would send it, taken in by the very
 * way that a provider's takes, without the network.
 */
import { type Static, Type } from "typebox";
import type { Message } from "../../core/message.ts";
import type { Trial } from "../../core/source.ts";
import { json } from "../../lib/response.ts";
import type { Exchange, RouteLog } from "../../lib/route.ts";

const TextOrNull = (description: string) => Type.Union([Type.String(), Type.Null()], { description });
export const TestResult = Type.Object(
  {
    status: Type.Integer({ description: "What the provider would have been answered." }),
    result: Type.String({ description: "What it counts as in `webhook_requests_total`." }),
    reason: TextOrNull("Why it was refused; null when it wasn't."),
    message_id: TextOrNull("Of the message that is stored; null where it is none."),
    messages: Type.Integer({ description: "Messages in it." }),
    events: Type.Integer({ description: "Events in it." }),
  },
  {
    $id: "TestResult",
    examples: [
      {
        status: 200,
        result: "ok",
        reason: null,
        message_id: "test-072f6793-0c8e-4ca6-ad71-bddf6b08f1e6",
        messages: 1,
        events: 0,
      },
    ],
  },
);

export function testMessage(id: string, source: string, now: number): Message {
  return {
    message_id: id,
    from: "+15550000001",
    to: "+15550000002",
    ts: `${new Date(now).toISOString().slice(0, 19)}Z`,
    text: `This is a test of the source ${source}, sent by Postern itself.`,
  };
}

interface Sent {
  readonly trial: Trial;
  /** Of the webhook. */
  readonly path: string;
  /** An address that may send; undefined where all may. */
  readonly client?: string | undefined;
}

/** Throws what `receive` throws. */
export async function sendTest(
  outer: Exchange,
  { trial, path, client = "127.0.0.1" }: Sent,
  receive: (exchange: Exchange) => Promise<Response>,
): Promise<Response> {
  const { query = "", headers, body } = trial;
  let refusedFor: RouteLog["fields"] | undefined;
  const request = new Request(`http://localhost${path}${query === "" ? "" : `?${query}`}`, {
    method: "POST",
    headers,
  });
  const inner: Exchange = {
    ...{ request, path, query, parameter: "", parameters: {} },
    client: { address: client, limitKey: undefined },
    readBody: async () => body,
    bodyVerified: () => undefined,
    checkDeclaredLength: () => undefined,
    // It is no stranger's, and counts for no address.
    refuse: (_proof, answer, fields) => {
      refusedFor = fields;
      return answer;
    },
    stream: () => {
      throw new Error("a webhook answers by no stream");
    },
    mayTakeS: () => undefined,
    ...{ result: undefined, log: undefined },
  };
  const { status } = await receive(inner);
  const { fields = {} } = inner.log ?? { fields: refusedFor };
  const { reason, message_id: messageId, events = 0 } = fields;
  const isStored = status < 300;
  outer.log = {
    level: isStored ? "INFO" : "WARN",
    fields: { ...fields, test: true, client: outer.client.address },
  };
  return json(200, {
    status,
    result: inner.result ?? "error",
    reason: typeof reason === "string" ? reason : null,
    message_id: typeof messageId === "string" ? messageId : null,
    // A native request is one message, and its line doesn't count.
    messages: Number(fields["messages"] ?? (messageId === undefined ? 0 : 1)),
    events: Number(events),
  } satisfies Static<typeof TestResult>);
}
