/** What an engine says when it refuses a message for a test; also a name that SQL takes. */
export const REFUSAL = "refused_for_a_test";
