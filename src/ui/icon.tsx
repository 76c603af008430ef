/** Pictures in the text's colour; each stands beside words or in a button that has a name. */

const PATHS = {
  gate: "M4.5 13.5V7a3.5 3.5 0 0 1 7 0v6.5M2.5 13.5h11M9.4 9.6v.01",
  sun: "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6M8 1.6v1.2M8 13.2v1.2M1.6 8h1.2M13.2 8h1.2M3.5 3.5l.8.8M11.7 11.7l.8.8M12.5 3.5l-.8.8M4.3 11.7l-.8.8",
  moon: "M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8Z",
  system: "M2.5 3.5h11v7.5h-11zM6 13.5h4",
  help: "M6.2 6.2a1.9 1.9 0 1 1 2.7 1.7c-.6.3-.9.7-.9 1.3M8 11.4v.01M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8",
  leave: "M6.5 2.5h-3v11h3M7 8h6.5M11 5.5 13.5 8 11 10.5",
  search: "M7 2.6a4.4 4.4 0 1 1 0 8.8 4.4 4.4 0 0 1 0-8.8M10.3 10.3l3.2 3.2",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  down: "M8 2.5v8M4.5 7.5 8 11l3.5-3.5M3 13.5h10",
  up: "M8 13V3.5M4 7.5l4-4 4 4",
  filter: "M2.5 4h11M4.5 8h7M6.5 12h3",
  back: "M10 3.5 5.5 8l4.5 4.5",
  chevron: "M6 4l4 4-4 4",
} as const;

type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
