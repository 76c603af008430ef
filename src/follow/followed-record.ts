/** A record as whoever follows the log is shown it: its position, and its text as JSON. */
import { type Static, Type } from "typebox";
import { type Changes, RECORD_KINDS } from "../core/changes.ts";
import { BODY_MEMBERS } from "../core/event-row.ts";
import type { EventRecord, MessageRecord } from "../core/log-record.ts";
import { positionOf } from "../core/position.ts";
import { bodyOf, shownRecord } from "../core/record-text.ts";
import { nullable } from "./nullable.ts";

export const RECORD_EXAMPLE = {
  position: "5f0c1d9a03bb71c2.1204",
  kind: "message",
  source: "wa",
  message_id: "wa:wamid.A1",
  from: "+14155550123",
  to: "+14155550100",
  ts: "2025-11-28T10:00:00Z",
  text: "Is the blue one left?",
  type: "text",
  created_at: "2025-11-28T10:00:00.731Z",
};

export const LogRecord = Type.Object(
  {
    position: Type.String({
      description: "Goes on behind this record.",
      examples: ["5f0c1d9a03bb71c2.1204"],
    }),
    kind: Type.Enum([...RECORD_KINDS], { description: "`message`, or what an event is." }),
    source: Type.String({ description: "The name of its source; `native` for messages of `POST /webhook`." }),
    event_key: Type.Optional(Type.String({ description: "Of an event: unique within its source." })),
    message_id: Type.Union([Type.String(), Type.Null()], {
      description: "Of an event, the message that it is about, stored or not.",
    }),
    from: Type.Optional(Type.String({ description: "Of a message." })),
    to: Type.Optional(Type.String({ description: "Of a message." })),
    ts: Type.String({ description: "When it was sent, or happened." }),
    text: Type.Optional(nullable(Type.String())),
    type: Type.Optional(
      Type.Union([Type.String(), Type.Null()], {
        description:
          "The provider's word for what it is; null for messages of `POST /webhook`, and for events without one.",
      }),
    ),
    created_at: Type.String({ description: "When it was received." }),
    ...BODY_MEMBERS,
  },
  {
    $id: "Record",
    examples: [RECORD_EXAMPLE],
  },
);
type Shown = Static<typeof LogRecord>;

export interface FollowedRecord {
  readonly seq: number;
  readonly position: string;
  readonly record: MessageRecord | EventRecord;
  readonly isEvent: boolean;
  /** One line of JSON. */
  readonly text: string;
}

/** The records of a page, with their bodies where the page has them. */
export function followedRecords({ log, records, bodies }: Changes, withBody: boolean): FollowedRecord[] {
  return records.map((record) => {
    const body = withBody ? bodyOf(record, bodies) : undefined;
    return new Followed(log, record, body);
  });
}

/** Its text is made when somebody wants it, once for all who do. */
class Followed implements FollowedRecord {
  readonly seq: number;
  readonly position: string;
  readonly record: MessageRecord | EventRecord;
  readonly isEvent: boolean;
  readonly #body: Uint8Array | null | undefined;
  #text: string | undefined;

  constructor(log: string, record: MessageRecord | EventRecord, body: Uint8Array | null | undefined) {
    this.seq = record.seq;
    this.position = positionOf(log, record);
    this.record = record;
    this.isEvent = "event_key" in record;
    this.#body = body;
  }

  get text(): string {
    this.#text ??= JSON.stringify(shownRecord(this.position, this.record, this.#body) satisfies Shown);
    return this.#text;
  }
}
