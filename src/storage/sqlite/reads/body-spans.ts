/**
 * Reads parts of providers' POSTs. Neighbouring rows mostly are parts of the same one, which is
 * then read once.
 */

import type { Database } from "bun:sqlite";
import type { BodySpan } from "../../../core/log-record.ts";
import { BODIES_BYTES_MAX } from "../../../core/store.ts";
import { bytesChecksum } from "../../../lib/bytes-checksum.ts";

import type { OnDamagedRow } from "../connection/damage.ts";
import { isSound } from "../connection/row-checksum.ts";

export class BodySpans {
  readonly #db: Database;
  readonly #onDamagedRow: OnDamagedRow;
  #delivery = 0;
  #body: Uint8Array = new Uint8Array();
  #bytes = 0;

  constructor(db: Database, onDamagedRow: OnDamagedRow) {
    this.#db = db;
    this.#onDamagedRow = onDamagedRow;
  }

  /**
   * The bytes, or null beyond `BODIES_BYTES_MAX` of one read: then a smaller page has them. The
   * first part is always given.
   */
  read({ delivery, start, stop }: BodySpan): Uint8Array | null {
    const bytes = stop - start;
    if (this.#bytes > 0 && this.#bytes + bytes > BODIES_BYTES_MAX) return null;
    this.#bytes += bytes;
    if (delivery !== this.#delivery) this.#readBody(delivery);
    return this.#body.slice(start, stop);
  }

  #readBody(delivery: number): void {
    const sql = "select body, checksum from deliveries where delivery = ?";
    const query = this.#db.query<{ body: Uint8Array; checksum: number | null }, [number]>(sql);
    const { body, checksum } = query.get(delivery) ?? { body: new Uint8Array(), checksum: null };
    if (!isSound(checksum, () => bytesChecksum(body)))
      this.#onDamagedRow({ table: "deliveries", seq: delivery });
    this.#body = body;
    this.#delivery = delivery;
  }
}
