/** One source: address, what came in, who was refused, the provider's steps, and what it does. */
import { get, type Schemas } from "../api.ts";
import { CopyButton } from "../copy-button.tsx";
import { Field } from "../drawer.tsx";
import { count } from "../format.ts";
import { Icon } from "../icon.tsx";
import { byReason } from "../overview/needs.ts";
import { Problem } from "../problem.tsx";
import { addressOf } from "../router.ts";
import { FullTime, Time } from "../time.tsx";
import { useLiveAnswer } from "../use-live-answer.ts";
import { addressHere } from "./address.ts";
import { SendTest } from "./send-test.tsx";
import type { ShownSource } from "./shown-source.ts";

const EVERY_MS = 5000;
const REFUSALS = 50;
const NEWEST = 8;

interface SourceDetailProps {
  readonly shown: ShownSource;
  readonly close: () => void;
}

export function SourceDetail({ shown: { name, source, figures }, close }: SourceDetailProps) {
  return (
    <section class="source" aria-label={`Source ${name}`}>
      <header class="drawer-head">
        <button
          type="button"
          class="icon-button narrow-only"
          onClick={close}
          aria-label="Back to the sources"
          title="Back to the sources (Esc)"
        >
          <Icon name="back" />
        </button>
        <h2>
          <bdi>{name}</bdi>
        </h2>
        {source !== undefined && (source.preset ?? source.kind) !== name && (
          <span class="badge">{source.preset ?? source.kind}</span>
        )}
        {figures?.quiet && source !== undefined && <span class="badge warn">quiet</span>}
        <a class="source-messages" href={addressOf("messages", { source: name })}>
          Messages
        </a>
        <a href={addressOf("events", { source: name })}>Events</a>
      </header>
      <div class="source-scroll" tabIndex={0} role="group" aria-label={`Source ${name}`}>
        {source === undefined ? (
          <p class="part quiet">
            It is configured no more: what it brought is kept, and nothing is taken under its name.
          </p>
        ) : (
          <Address source={source} />
        )}
        {figures !== undefined && <Brought figures={figures} isServed={source !== undefined} />}
        {source !== undefined && <SendTest source={source} />}
        <Refused name={name} />
        {source !== undefined && <Steps source={source} />}
        {source !== undefined && <Does source={source} />}
      </div>
    </section>
  );
}

function Address({ source }: { readonly source: Schemas["Source"] }) {
  const { kind, path, public_url: publicUrl } = source;
  const own = addressHere(source);
  const address = publicUrl ?? own ?? path;
  return (
    <section class="part">
      <h3>Address</h3>
      <div class="code-block">
        <pre tabIndex={0}>{address}</pre>
        <CopyButton text={address} label="Copy address" />
      </div>
      <p class="quiet">
        {publicUrl === null ? (
          <>
            {own !== undefined ? (
              <>
                As this page is reached; its path is <code>{path}</code>.
              </>
            ) : (
              "On the port of PORT, not on that of this page (READ_PORT)."
            )}
            {kind !== "native" && " A provider needs a name that it reaches by HTTPS."}
          </>
        ) : (
          <>
            As <code>public_url</code> says. Here its path is <code>{path}</code>.
          </>
        )}
      </p>
    </section>
  );
}

interface BroughtProps {
  readonly figures: Schemas["SourceFigures"];
  readonly isServed: boolean;
}

function Brought({ figures, isServed }: BroughtProps) {
  const { last_message_at: message, last_event_at: event, usual_per_hour: usual } = figures;
  return (
    <section class="part">
      <h3>What came in</h3>
      <dl class="fields-of">
        <Field name="Last message">{message === null ? "none yet" : <FullTime at={message} />}</Field>
        <Field name="Last event">{event === null ? "none yet" : <FullTime at={event} />}</Field>
        <Field name="Last hour">
          {count(figures.last_hour)}
          {usual !== null && <span class="quiet"> (usually {count(usual)} at this hour)</span>}
        </Field>
        <Field name="24 hours">{count(figures.last_day)}</Field>
        <Field name="7 days">{count(figures.last_7_days)}</Field>
      </dl>
      {figures.quiet && isServed && (
        <p class="warn-words">
          It has gone quiet: in the weeks before, this time brought something. Look whether its provider still
          has this address.
        </p>
      )}
    </section>
  );
}

function Refused({ name }: { readonly name: string }) {
  const { value, problem, again } = useLiveAnswer(name, EVERY_MS, async (signal) => {
    const { data } = await get("/stats/refusals", { query: { source: name, limit: REFUSALS }, signal });
    return data;
  });
  return (
    <section class="part">
      <div class="part-head">
        <h3>Refused</h3>
        {value !== undefined && value.length > 0 && (
          <span class="quiet">the newest {count(value.length)}</span>
        )}
      </div>
      {problem !== "" && <Problem words={problem} retry={again} />}
      {value?.length === 0 && <p class="quiet">No request was refused.</p>}
      {value !== undefined && value.length > 0 && (
        <>
          <ul class="reasons">
            {byReason(value).map(({ reason, rows }) => (
              <li key={reason}>
                <span class="number">{count(rows)}</span>
                <p>
                  <bdi>{reason}</bdi>
                </p>
              </li>
            ))}
          </ul>
          <div class="table-scroll" tabIndex={0} role="group" aria-label="The newest refusals">
            <table class="plain">
              <thead>
                <tr>
                  <th scope="col">Time</th>
                  <th scope="col">Client</th>
                  <th scope="col">Reason</th>
                </tr>
              </thead>
              <tbody>
                {value.slice(0, NEWEST).map(({ at, client, reason }, index) => (
                  <tr key={`${at} ${index}`}>
                    <td class="quiet">
                      <Time at={at} />
                    </td>
                    <td class="mono">
                      <bdi>{client}</bdi>
                    </td>
                    <td>
                      <bdi>{reason}</bdi>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <p class="quiet">
            <code>postern verify --source {name} FILE</code> explains why a request was refused.
          </p>
        </>
      )}
    </section>
  );
}

function Steps({ source: { kind, title, page, steps } }: { readonly source: Schemas["Source"] }) {
  return (
    <section class="part">
      <h3>
        {kind === "native"
          ? "To send"
          : kind === "generic" && page === null
            ? "At the sender"
            : `At ${title}`}
      </h3>
      <ol class="steps">
        {steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      {page !== null && (
        <p class="quiet">
          <a href={page} target="_blank" rel="noreferrer noopener">
            {title}'s own page
          </a>
        </p>
      )}
    </section>
  );
}

function Does({ source }: { readonly source: Schemas["Source"] }) {
  const { proof, signed, covers, replay, handshakes, messages, events, weaknesses, networks } = source;
  const lines = (name: string, all: readonly string[]) =>
    all.length > 0 && (
      <Field name={name}>
        {all.map((line) => (
          <span key={line} class="line">
            {line}
          </span>
        ))}
      </Field>
    );
  return (
    <section class="part">
      <h3>What it does</h3>
      <dl class="fields-of">
        {lines("Proof", [proof])}
        {lines("Signed", [signed ?? []].flat())}
        {lines("Covers", [covers])}
        {lines("Replay", [replay])}
        {lines("Only from", networks)}
        {lines("Handshakes", handshakes)}
        {lines("Messages", messages)}
        {lines("Events", events)}
        {lines("Headers kept", [source.headers_kept.join(", ")].filter(Boolean))}
        {lines("Secrets", source.secrets > 1 ? [`${source.secrets}, any of which counts`] : [])}
      </dl>
      {weaknesses.map((weakness) => (
        <p key={weakness} class="warn-words">
          Mind: {weakness}.
        </p>
      ))}
    </section>
  );
}
