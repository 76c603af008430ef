/**
 * A follower that reads when it is called, and never by itself: what it has read shows that it was
 * called after that was stored, whenever else it may have been called.
 */
import type { Store } from "../../src/core/store.ts";

interface CalledReader {
  /** Of what is behind the number, as it was read last. */
  readonly keys: () => readonly string[];
  readonly stop: () => void;
}

export function calledReader(store: Store, after = 0): CalledReader {
  let keys: readonly string[] = [];
  let reading = Promise.resolve();
  const read = async () => {
    try {
      const { records } = await store.changes({ after, limit: 1000 });
      keys = records.map((record) => String("event_key" in record ? record.event_key : record.message_id));
    } catch {
      // The test is over, and its store closed.
    }
  };
  const stop = store.onChanges(() => {
    reading = reading.then(read);
  });
  return { keys: () => keys, stop };
}
