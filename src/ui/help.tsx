/** The keys that do something here, and where else to look. */
import { useEffect, useRef } from "preact/hooks";
import { boundKeys, helpIsOpen } from "./keys.ts";
import { session } from "./session.ts";

const NAMES: Readonly<Record<string, string>> = {
  ArrowDown: "↓",
  ArrowUp: "↑",
  Escape: "Esc",
  PageDown: "Page Down",
  PageUp: "Page Up",
};

export function HelpDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const isOpen = helpIsOpen.value;
  useEffect(() => {
    if (!isOpen) return;
    dialog.current?.showModal();
    button.current?.focus();
  }, [isOpen]);
  if (!isOpen) return null;
  const close = () => {
    helpIsOpen.value = false;
  };
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={close}>
      <h2 id="help-title">Keys</h2>
      <dl>
        {boundKeys().map(({ keys, does }) => (
          <div key={does}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{NAMES[key] ?? key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      {session.value?.state === "open" && (
        <p class="help-open">No API_TOKEN is set: whoever reaches this address reads everything.</p>
      )}
      <p class="quiet">
        <a href="../docs">The API as a page</a> · <a href="../openapi.json">openapi.json</a> · version{" "}
        {session.value?.version}
      </p>
      <form method="dialog">
        <button ref={button} type="submit">
          Close
        </button>
      </form>
    </dialog>
  );
}
