/** One message with all that is known of it. */
import { useEffect } from "preact/hooks";
import { get } from "../api.ts";
import { CopyButton } from "../copy-button.tsx";
import { Drawer, Field } from "../drawer.tsx";
import { Marked } from "../highlight.tsx";
import { onRecords } from "../live.ts";
import { addressOf } from "../router.ts";
import { FullTime } from "../time.tsx";
import { useAnswer } from "../use-answer.ts";
import { Body } from "./body.tsx";
import { CameIn } from "./came-in.tsx";
import { Conversation } from "./conversation.tsx";
import { Deliveries } from "./deliveries.tsx";
import { Timeline } from "./timeline.tsx";

interface MessageDrawerProps {
  readonly id: string;
  readonly searched: string;
  readonly close: () => void;
}

export function MessageDrawer({ id, searched, close }: MessageDrawerProps) {
  const {
    value: shown,
    problem,
    isStale,
    again,
  } = useAnswer(id, (signal) => get("/messages/{message_id}", { parameters: { message_id: id }, signal }));
  useEffect(
    // What happens to it while it is open shows as well.
    () => onRecords((what) => ("reset" in what || what.record.message_id === id) && again()),
    [id],
  );
  return (
    <Drawer
      title="Message"
      close={close}
      problem={problem === "Not Found." ? "There is no such message." : problem}
      again={again}
      // What stands under a problem is of this message, never of the one before.
      isLoading={shown === undefined || (isStale && problem !== "")}
      shows={id}
    >
      {shown !== undefined && (
        <div class={isStale ? "stale" : ""}>
          <div class="message-words">
            <p class="message-text" dir="auto">
              {shown.text === null ? (
                <span class="quiet">no text</span>
              ) : (
                <Marked text={shown.text} searched={searched} />
              )}
            </p>
            {shown.text !== null && <CopyButton text={shown.text} label="Copy the text" />}
          </div>
          <dl class="fields-of">
            <Field name="From" copied={shown.from}>
              <a href={addressOf("messages", { from: shown.from })}>
                <bdi>{shown.from}</bdi>
              </a>
            </Field>
            <Field name="To" copied={shown.to}>
              <a href={addressOf("messages", { to: shown.to })}>
                <bdi>{shown.to}</bdi>
              </a>
            </Field>
            <Field name="Sent">
              <FullTime at={shown.ts} />
            </Field>
            <Field name="Received">
              <FullTime at={shown.created_at} />
            </Field>
            <Field name="Source">
              <a href={addressOf("messages", { source: shown.source })}>{shown.source}</a>
              {shown.type !== null && (
                <>
                  {" · "}
                  <a href={addressOf("messages", { type: shown.type })}>{shown.type}</a>
                </>
              )}
            </Field>
            <Field name="Identifier" copied={shown.message_id}>
              <bdi class="mono">{shown.message_id}</bdi>
            </Field>
            <Field name="Log number">
              <span class="mono">{shown.seq}</span>
            </Field>
          </dl>
          <Timeline events={shown.events} messageId={shown.message_id} />
          <Deliveries key={shown.message_id} message={shown} />
          <Conversation key={shown.from} message={shown} />
          <Body body={shown} />
          {shown.source !== "native" && <CameIn seq={shown.seq} />}
        </div>
      )}
    </Drawer>
  );
}
