/** Where a message came from, in SQL. */
import { NATIVE } from "../../../core/source.ts";

/** The source of a row of `messages`. */
export const SOURCE_OF_MESSAGE = `coalesce((select source from details where details.seq = messages.seq), '${NATIVE}')`;
