/** The panel beside a list that shows one of its rows. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { CopyButton } from "./copy-button.tsx";
import { Icon } from "./icon.tsx";
import { Problem } from "./problem.tsx";

interface DrawerProps {
  readonly title: string;
  readonly close: () => void;
  /** In words; empty for none. */
  readonly problem: string;
  /** Asks once more. */
  readonly again: () => void;
  readonly isLoading: boolean;
  /** What it shows: another one begins at its top. */
  readonly shows: string;
  readonly children: ComponentChildren;
}

export function Drawer({ title, close, problem, again, isLoading, shows, children }: DrawerProps) {
  const box = useRef<HTMLElement>(null);
  useEffect(() => box.current?.scrollTo(0, 0), [shows]);
  return (
    <aside ref={box} class="drawer" aria-label={title} data-scrolls tabIndex={0}>
      <header class="drawer-head">
        <h2>{title}</h2>
        <button type="button" class="icon-button" onClick={close} aria-label="Close" title="Close (Esc)">
          <Icon name="close" />
        </button>
      </header>
      {problem !== "" && <Problem words={problem} retry={again} />}
      {!isLoading ? children : problem === "" && <Bones />}
    </aside>
  );
}

interface FieldProps {
  readonly name: string;
  /** What its button copies; without it there is none. */
  readonly copied?: string;
  readonly children: ComponentChildren;
}

/** One line of a drawer's `<dl class="fields-of">`. */
export function Field({ name, copied, children }: FieldProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span>{children}</span>
        {copied !== undefined && <CopyButton text={copied} label={`Copy ${name.toLowerCase()}`} />}
      </dd>
    </div>
  );
}

export function Bones() {
  return (
    <div aria-busy="true" class="drawer-skeleton">
      <span class="bone" />
      <span class="bone" />
      <span class="bone" />
    </div>
  );
}
