/** The configured sources by their names, which may be exchanged while requests come in. */
import { StartRefused } from "../../core/errors.ts";
import type { ProviderSource } from "../../core/source.ts";
import type { Store } from "../../core/store.ts";
import type { WebhookTally } from "../../observe/metrics.ts";

/** A source with what it counts. */
export interface CountedSource<S extends { readonly name: string } = { readonly name: string }> {
  readonly source: S;
  readonly tally: WebhookTally;
}

export class Sources {
  readonly #store: Pick<Store, "claimSources">;
  readonly #tallyOf: (name: string) => WebhookTally;
  #serving: ReadonlyMap<string, CountedSource<ProviderSource>> = new Map();
  /** Names of sources that are about to serve. */
  #coming: ReadonlySet<string> = new Set();
  #lastReplacement: Promise<void> = Promise.resolve();

  constructor(store: Pick<Store, "claimSources">, tallyOf: (name: string) => WebhookTally) {
    this.#store = store;
    this.#tallyOf = tallyOf;
  }

  get(name: string): CountedSource<ProviderSource> | undefined {
    return this.#serving.get(name);
  }

  get names(): readonly string[] {
    return [...this.#serving.keys()];
  }

  /** Whether identifiers `NAME:…` are those of a source that serves, or is about to. */
  isReserved(name: string): boolean {
    return this.#serving.has(name) || this.#coming.has(name);
  }

  /**
   * Serves these sources, and no others, once the store has noted their names and `together` has
   * resolved; one replacement after the other. Changes nothing when it throws: `StartRefused` when
   * a range holds messages of the native source, or what `together` throws.
   */
  replace(sources: readonly ProviderSource[], together?: () => Promise<void>): Promise<void> {
    const replacement = this.#lastReplacement.then(() => this.#replace(sources, together));
    this.#lastReplacement = replacement.catch(() => undefined);
    return replacement;
  }

  /**
   * The ranges are closed to native messages first, so that none gets in between the store's look
   * and the change.
   */
  async #replace(sources: readonly ProviderSource[], together?: () => Promise<void>): Promise<void> {
    const names = sources.map(({ name }) => name);
    this.#coming = new Set(names);
    let isNoted = false;
    try {
      const taken = await this.#store.claimSources(names);
      if (taken.length > 0) throw new StartRefused(rangesTaken(taken));
      isNoted = true;
      await together?.();
    } catch (error) {
      // Where this fails too, the ranges stay closed: nobody looks through what is noted again.
      if (isNoted) await this.#store.claimSources(this.names);
      this.#coming = new Set();
      throw error;
    }
    this.#serving = new Map(
      sources.map((source) => [source.name, { source, tally: this.#tallyOf(source.name) }]),
    );
    this.#coming = new Set();
  }
}

function rangesTaken(names: readonly string[]): string {
  const ranges = names.map((name) => `${name}:`).join(", ");
  return (
    `the store holds messages of the native source whose message_id begins with ${ranges}: ` +
    `rename the source${names.length === 1 ? "" : "s"} ${names.join(", ")}`
  );
}
