/** Reads parts of providers' POSTs. Neighbouring rows mostly are parts of the same one, which is then read once. */
import type { Database } from "bun:sqlite";
import { BODIES_BYTES_MAX } from "../../core/store.ts";

export interface PartPlace {
  readonly delivery: number;
  readonly start: number;
  readonly stop: number;
}

export class Parts {
  readonly #db: Database;
  #delivery = 0;
  #body: Uint8Array = new Uint8Array();
  #bytes = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The bytes, or null beyond `BODIES_BYTES_MAX` of one read: then a smaller page has them. The first part is always given. */
  read({ delivery, start, stop }: PartPlace): Uint8Array | null {
    const bytes = stop - start;
    if (this.#bytes > 0 && this.#bytes + bytes > BODIES_BYTES_MAX) return null;
    this.#bytes += bytes;
    if (delivery !== this.#delivery) {
      const sql = "select body from deliveries where delivery = ?";
      this.#body =
        this.#db.query<{ body: Uint8Array }, [number]>(sql).get(delivery)?.body ?? new Uint8Array();
      this.#delivery = delivery;
    }
    return this.#body.slice(start, stop);
  }
}
