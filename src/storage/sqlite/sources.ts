/** Where a message came from, in SQL. */

/** The name under which messages without a provider are asked for. */
export const NATIVE = "native";

/** The source of a row of `messages`. */
export const SOURCE_OF_MESSAGE = `coalesce((select source from details where details.seq = messages.seq), '${NATIVE}')`;
