/** The provider's own form, as a tree and as it was sent, and the headers that came with it. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { CopyButton } from "../copy-button.tsx";
import { type Json, JsonTree, parseJson } from "./json-tree.tsx";

interface Sent {
  readonly body?: string | null;
  readonly body_base64?: string;
}

interface BodyProps {
  readonly body: Sent;
  readonly title?: string;
}

export function Body({ body: sent, title = "Body" }: BodyProps) {
  const { body, body_base64 } = sent;
  const { headers } = sent as { readonly headers?: Readonly<Record<string, string>> | null };
  const tree = useMemo(() => (body ? parseJson(body) : undefined), [body]);
  const isRaw = useSignal(false);
  const searched = useSignal("");
  const text = body ?? body_base64;
  return (
    <>
      {headers && Object.keys(headers).length > 0 && (
        <section class="part">
          <h3>Headers</h3>
          <dl class="headers">
            {Object.entries(headers).map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </section>
      )}
      {text != null && (
        <section class="part">
          <header class="part-head">
            <h3>{body_base64 === undefined ? title : `${title}, in base64`}</h3>
            {tree !== undefined && !isRaw.value && (
              <input
                type="search"
                class="small-search"
                placeholder="Search in it"
                aria-label={`Search in the ${title.toLowerCase()}`}
                onInput={({ currentTarget }) => {
                  searched.value = currentTarget.value;
                }}
              />
            )}
            {tree !== undefined && (
              <button
                type="button"
                class="link"
                aria-pressed={isRaw.value}
                onClick={() => {
                  isRaw.value = !isRaw.value;
                }}
              >
                As sent
              </button>
            )}
            <CopyButton text={text} label={`Copy the ${title.toLowerCase()}`} />
          </header>
          {tree === undefined || isRaw.value ? (
            <pre class="raw" tabIndex={0}>
              {text}
            </pre>
          ) : (
            <JsonTree value={tree.value as Json} searched={searched.value} />
          )}
        </section>
      )}
    </>
  );
}
