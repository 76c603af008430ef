/** Where a request carries its signature, its token or its secret, as a scheme says it. */
import type { JsonTree } from "../../lib/json-tree.ts";
import { type Place, parsePlace, type RequestParts } from "../places.ts";
import { SchemeError } from "./proof.ts";

type Names = string | readonly string[];

/** One of them; of a list the first that is there counts. */
export interface ProofPlaceOptions {
  readonly header?: Names;
  readonly query?: string;
  readonly form?: string;
  readonly json?: string;
}

const KINDS = ["header", "query", "form", "json"] as const;

/** The first of several places at which something stands. */
export class Places {
  readonly places: readonly [Place, ...Place[]];
  /** For people, after "the". */
  readonly words: string;

  constructor(places: readonly [Place, ...Place[]]) {
    this.places = places;
    this.words = [places[0].words, ...places.slice(1).map(({ name }) => name)].join(" or ");
  }

  /** Throws `SchemeError` for what is no place. */
  static of(texts: Names, option: string): Places {
    const [first, ...others] = [texts].flat();
    if (first === undefined) throw new SchemeError("this is an empty list", option);
    return new Places([parsePlace(first, option), ...others.map((text) => parsePlace(text, option))]);
  }

  /** Whether only the body tells what stands there. */
  get inBody(): boolean {
    return this.places.some(({ inBody }) => inBody);
  }

  read(parts: RequestParts, item?: JsonTree): string | undefined {
    for (const place of this.places) {
      const value = place.read(parts, item);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

/** Throws `SchemeError` when it isn't exactly one. */
export function proofPlaces(options: ProofPlaceOptions, what: string): Places {
  const said = KINDS.flatMap((kind) => {
    const names = options[kind];
    return names === undefined ? [] : [{ kind, names: [names].flat() }];
  });
  const [first] = said;
  if (first === undefined)
    throw new SchemeError(`a scheme needs the header (or query, form or json) with the ${what}`, "scheme");
  if (said.length > 1)
    throw new SchemeError(
      `${said.map(({ kind }) => kind).join(" and ")}: the ${what} stands in one of them`,
      "scheme",
    );
  return Places.of(
    first.names.map((name) => `${first.kind} ${name}`),
    `scheme/${first.kind}`,
  );
}

/** The place in one of the items of the array at `each`; without that, the place itself. */
export function itemPlace(place: Place, each: string | undefined, index: number): Place {
  if (each === undefined || place.kind !== "json" || place.name.startsWith("$.")) return place;
  return { ...place, name: `${each}[${index}].${place.name}` };
}
