/**
 * The source of a message in a list, whose rows don't name it: identifiers of other sources than
 * the native one begin with the source's name. The message by itself says it for certain.
 */
import { effect, signal } from "@preact/signals";
import { get } from "./api.ts";
import { session } from "./session.ts";

/** By name, those that there are; undefined until the service has said. */
export const sourceNames = signal<readonly string[] | undefined>(undefined);

effect(() => {
  if (session.value === undefined || session.value.state === "signed_out") return;
  get("/stats/sources").then(
    ({ data }) => {
      sourceNames.value = data.map(({ source }) => source);
    },
    // Then what stands before the colon is taken for a name.
    () => undefined,
  );
});

export function sourceOf(messageId: string): string {
  const name = /^([a-z0-9][a-z0-9_-]{0,63}):/.exec(messageId)?.[1];
  const names = sourceNames.value;
  return name === undefined || (names !== undefined && !names.includes(name)) ? "native" : name;
}
