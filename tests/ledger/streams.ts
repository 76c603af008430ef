/** What a client makes of a stream's bytes: its lines, and events as EventSource does. */

/** Each whole line, without its end; what is cut off is dropped, as a client that crashes does. */
export async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

interface ServerSentEvent {
  /** Absent where the event has none of its own. */
  readonly id?: string;
  readonly event: string;
  /** Absent where an `id:` stands alone. */
  readonly data?: string;
}

/** Events by the rules of the HTML standard, of those fields that Postern sends. */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  let fields: { id?: string; event?: string; data?: string } = {};
  for await (const line of linesOf(body)) {
    const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (line === "") {
      const { id, event = "message", data } = fields;
      if (id !== undefined || data !== undefined)
        yield { event, ...(id !== undefined && { id }), ...(data !== undefined && { data }) };
      fields = {};
    } else if (name === "id") fields.id = value;
    else if (name === "event") fields.event = value;
    else if (name === "data") fields.data = fields.data === undefined ? value : `${fields.data}\n${value}`;
  }
}
