/** What a query asks for as SQL, for reads that look at rows one by one. */
import { givenFilters } from "../../../core/store.ts";

/** For each filter a condition on a row, and the value that it compares with. */
export type Conditions<Filters> = {
  readonly [Name in keyof Filters]-?: readonly [
    condition: string,
    value: (given: NonNullable<Filters[Name]>) => string,
  ];
};

export interface SqlFilter {
  /** All of them hold; none when nothing is asked for. */
  readonly conditions: readonly string[];
  /** In the order of the conditions. */
  readonly values: readonly string[];
}

export function sqlFilter<Filters extends object>(
  query: Filters,
  conditions: Conditions<Filters>,
): SqlFilter {
  const given = givenFilters(query, conditions);
  const comparedWith = <Name extends keyof Filters>(name: Name) =>
    conditions[name][1](query[name] as NonNullable<Filters[Name]>);
  return { conditions: given.map((name) => conditions[name][0]), values: given.map(comparedWith) };
}
