/** What a page of the dashboard is. */
import type { ComponentType } from "preact";

export interface Page {
  /** In the address. */
  readonly id: string;
  readonly title: string;
  readonly View: ComponentType;
}
