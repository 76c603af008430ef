/** What an engine says when it refuses a message for a test. */
export const REFUSAL = "refused by a trigger";
