// What a valid message is, as a schema that Fastify compiles, and the row that is made of one.

const timestamp = /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?Z$/;
const phone = { type: "string", pattern: "^\\+[0-9]{1,31}$" };

export const messageSchema = {
  type: "object",
  required: ["message_id", "from", "to", "ts"],
  properties: {
    message_id: { type: "string", minLength: 1, maxLength: 512, pattern: "\\S", format: "storable" },
    from: phone,
    to: phone,
    ts: { type: "string", format: "timestamp" },
    text: { type: ["string", "null"], maxLength: 4096, format: "storable" },
  },
};

export const formats = {
  storable: (text) => !text.includes("\0") && text.isWellFormed(),
  timestamp: (text) => {
    const day = timestamp.exec(text)?.[1];
    return day !== undefined && isDay(day);
  },
};

/** JavaScript takes the 30th of February for a day in March. */
function isDay(day) {
  const start = new Date(`${day}T00:00:00Z`);
  return day >= "0001" && !Number.isNaN(start.getTime()) && start.toISOString().startsWith(day);
}

export function rowOf({ message_id, from, to, ts, text = null }) {
  return [message_id, from, to, ts, text, new Date().toISOString(), instantKey(ts)];
}

/** What orders timestamps as instants: no 'Z', no trailing zeros of a fraction. */
function instantKey(ts) {
  const key = ts.slice(0, -1);
  return key.includes(".") ? key.replace(/\.?0+$/, "") : key;
}
