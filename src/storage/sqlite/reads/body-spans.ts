/**
 * Reads parts of providers' POSTs. Neighbouring rows mostly are parts of the same one, which is
 * then read once.
 */

import type { Database } from "bun:sqlite";
import type { BodySpan } from "../../../core/log-record.ts";
import type { KeptHeaders } from "../../../core/parsed-body.ts";
import { BODIES_BYTES_MAX } from "../../../core/store.ts";
import { headersOf } from "../../columns.ts";

import type { OnDamagedRow } from "../connection/damage.ts";
import { isSound, postChecksum } from "../connection/row-checksum.ts";

/** A part of a POST as it is shown. */
interface ShownPart {
  readonly headers: KeptHeaders | null;
  readonly body: Uint8Array | null;
}

interface PostRow {
  readonly body: Uint8Array;
  readonly headers: string | null;
  readonly checksum: number | null;
}

const GONE: PostRow = { body: new Uint8Array(), headers: null, checksum: null };

export class BodySpans {
  readonly #db: Database;
  readonly #onDamagedRow: OnDamagedRow;
  #delivery = 0;
  #body: Uint8Array = new Uint8Array();
  #headers: KeptHeaders | null = null;
  #bytes = 0;

  constructor(db: Database, onDamagedRow: OnDamagedRow) {
    this.#db = db;
    this.#onDamagedRow = onDamagedRow;
  }

  /**
   * The bytes and the POST's headers, or null beyond `BODIES_BYTES_MAX` of one read: then a smaller
   * page has them. The first part is always given.
   */
  read({ delivery, start, stop }: BodySpan): ShownPart {
    const bytes = stop - start;
    if (this.#bytes > 0 && this.#bytes + bytes > BODIES_BYTES_MAX) return { headers: null, body: null };
    this.#bytes += bytes;
    const body = this.part({ delivery, start, stop }).slice();
    return { headers: this.#headers, body };
  }

  /** The bytes, whatever was read before; they are nobody's to keep. */
  part({ delivery, start, stop }: BodySpan): Uint8Array {
    if (delivery !== this.#delivery) this.#readBody(delivery);
    return this.#body.subarray(start, stop);
  }

  #readBody(delivery: number): void {
    const sql = "select body, headers, checksum from deliveries where delivery = ?";
    const query = this.#db.query<PostRow, [number]>(sql);
    const { body, headers, checksum } = query.get(delivery) ?? GONE;
    if (!isSound(checksum, () => postChecksum(body, headers)))
      this.#onDamagedRow({ table: "deliveries", seq: delivery });
    this.#body = body;
    this.#headers = headersOf(headers);
    this.#delivery = delivery;
  }
}
