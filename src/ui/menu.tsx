/** A button that opens a small panel below it; Escape and a click elsewhere close it. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

interface MenuProps {
  readonly label: ComponentChildren;
  /** In words, where the label isn't. */
  readonly title?: string;
  readonly class?: string;
  readonly children: (close: () => void) => ComponentChildren;
}

export function Menu({ label, title, class: name = "", children }: MenuProps) {
  const isOpen = useSignal(false);
  const place = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = () => {
    isOpen.value = false;
    button.current?.focus();
  };
  useLayoutEffect(() => {
    if (!isOpen.value) return;
    const elsewhere = ({ target }: Event) => {
      if (target instanceof Node && !place.current?.contains(target)) isOpen.value = false;
    };
    const pressed = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      close();
    };
    document.addEventListener("pointerdown", elsewhere);
    document.addEventListener("focusin", elsewhere);
    document.addEventListener("keydown", pressed, true);
    place.current?.querySelector<HTMLElement>(".menu-panel :is(input, select, button, a)")?.focus();
    return () => {
      document.removeEventListener("pointerdown", elsewhere);
      document.removeEventListener("focusin", elsewhere);
      document.removeEventListener("keydown", pressed, true);
    };
  }, [isOpen.value]);
  return (
    <div ref={place} class={`menu ${name}`}>
      <button
        ref={button}
        type="button"
        aria-expanded={isOpen.value}
        aria-controls={isOpen.value ? id : undefined}
        aria-label={title}
        title={title}
        onClick={() => {
          isOpen.value = !isOpen.value;
        }}
      >
        {label}
      </button>
      {isOpen.value && (
        <div id={id} class="menu-panel">
          {children(close)}
        </div>
      )}
    </div>
  );
}
