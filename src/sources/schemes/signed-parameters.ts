/** A form's parameters as Twilio and Mandrill sign them: sorted, one behind the other. */
import type { Form } from "../../lib/form.ts";

/**
 * Names and values, sorted by name; the values of a name that comes more often sorted too, each
 * once, as Twilio's libraries do. Mandrill's documentation knows no name that comes twice.
 */
export function signedParameters(form: Form): Buffer {
  const signed = Buffer.allocUnsafe(form.bytes);
  let used = 0;
  const order = form.order({ byValue: true });
  for (let rank = 0; rank < order.length; rank++) {
    const index = order[rank] as number;
    if (rank > 0 && form.areEqual(order[rank - 1] as number, index)) continue;
    used += form.copyPair(index, signed, used);
  }
  return signed.subarray(0, used);
}
