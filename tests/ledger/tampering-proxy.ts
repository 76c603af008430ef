/**
 * A proxy that shows a follower's stream of events as a faulty service would: it stands between the
 * two to show that the comparison sees what it does.
 */

/** What is made of the whole events of a connection, of which each ends with an empty line. */
export type Tamper = (events: AsyncIterable<string>) => AsyncIterable<string>;

interface TamperingProxy {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

export function newTamperingProxy(target: string, tamper: Tamper): TamperingProxy {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch: async (request) => {
      const { pathname, search } = new URL(request.url);
      const { status, headers, body } = await fetch(`${target}${pathname}${search}`, {
        headers: request.headers,
        signal: request.signal,
      });
      const type = headers.get("content-type") ?? "";
      const shown = body === null || !type.startsWith("text/event-stream") ? body : tamper(eventsIn(body));
      return new Response(shown, { status, headers: { "Content-Type": type } });
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) };
}

async function* eventsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    const events = (rest + decoder.decode(bytes, { stream: true })).split(/(?<=\n\n)/);
    rest = events.at(-1)?.endsWith("\n\n") ? "" : (events.pop() ?? "");
    yield* events;
  }
}

/** What becomes of a record on its way; `pass` hands it on and gives the status of the answer. */
export type Handing = (messageId: string | null, pass: () => Promise<number>) => Promise<number>;

/** The same between the service and an application, for what it hands on. */
export function newTamperingReceiver(target: string, handing: Handing): TamperingProxy {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      const body = await request.text();
      const pass = async () => {
        const { status } = await fetch(`${target}${pathname}`, {
          method: "POST",
          body,
          headers: request.headers,
        });
        return status;
      };
      const { data } = JSON.parse(body) as { readonly data: { readonly message_id: string | null } };
      return new Response("", { status: await handing(data.message_id, pass) });
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) };
}
