/** Copies a text. */
import { useSignal } from "@preact/signals";
import { Icon } from "./icon.tsx";

const SAID_MS = 1500;

export function CopyButton({ text, label = "Copy" }: { readonly text: string; readonly label?: string }) {
  const said = useSignal("");
  const copy = async () => {
    said.value = (await copied(text)) ? "Copied" : "Not copied";
    setTimeout(() => {
      said.value = "";
    }, SAID_MS);
  };
  return (
    <button
      type="button"
      class="icon-button copy"
      aria-label={said.value || label}
      title={label}
      onClick={() => void copy()}
    >
      <Icon name="copy" />
      {said.value !== "" && (
        <span role="status" class="copy-said">
          {said.value}
        </span>
      )}
    </button>
  );
}

/** Without TLS a page has no clipboard of its own: there the selection is copied. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const isDone = document.execCommand("copy");
    area.remove();
    return isDone;
  }
}
