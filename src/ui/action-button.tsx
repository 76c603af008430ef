/** A button that says what will happen before it does it, and what went wrong where it can't. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { Dialog } from "./dialog.tsx";
import { Problem } from "./problem.tsx";

interface ActionButtonProps {
  readonly label: string;
  /** Where the label alone would not say of what it is. */
  readonly name?: string;
  readonly class?: string;
  /** Ends with a question mark. */
  readonly question: string;
  /** What it does to whom, and whether it can be undone. */
  readonly children: ComponentChildren;
  /** Of the button that does it. */
  readonly verb: string;
  /** It can't be undone. */
  readonly isFinal?: boolean;
  readonly act: () => Promise<unknown>;
}

export function ActionButton(props: ActionButtonProps) {
  const isOpen = useSignal(false);
  return (
    <>
      <button
        type="button"
        class={props.class}
        aria-label={props.name}
        onClick={() => {
          isOpen.value = true;
        }}
      >
        {props.label}
      </button>
      {isOpen.value && (
        <Question
          {...props}
          close={() => {
            isOpen.value = false;
          }}
        />
      )}
    </>
  );
}

function Question(props: ActionButtonProps & { readonly close: () => void }) {
  const { question, children, verb, isFinal = false, act, close } = props;
  const isActing = useSignal(false);
  const problem = useSignal("");
  const answer = async () => {
    if (isActing.value) return;
    isActing.value = true;
    problem.value = "";
    try {
      await act();
      close();
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
    isActing.value = false;
  };
  return (
    <Dialog title={question} close={close}>
      <div class="question-words">{children}</div>
      {problem.value !== "" && <Problem words={problem.value} />}
      <div class="question-end">
        <button type="button" onClick={close}>
          Cancel
        </button>
        <button
          type="button"
          class={isFinal ? "final" : "primary"}
          // A disabled one would lose the focus.
          aria-disabled={isActing.value}
          onClick={() => void answer()}
        >
          {verb}
        </button>
      </div>
    </Dialog>
  );
}
