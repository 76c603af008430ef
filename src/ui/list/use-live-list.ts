/** The list that belongs to what is asked for; the one before stays until the new one has rows. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { whileVisible } from "../clock.ts";
import { LiveList, type LiveSource } from "./live-list.ts";

const RETRY_MS = 5000;

interface Shown<Row> {
  readonly list: LiveList<Row>;
  /** Tells one question from another. */
  readonly key: string;
}

/** The list is undefined until the first one is there; `isStale`: it is that of the key before. */
export function useLiveList<Row>(
  key: string,
  sourceFor: () => LiveSource<Row>,
): { readonly list: LiveList<Row> | undefined; readonly isStale: boolean } {
  const shown = useSignal<Shown<Row> | undefined>(undefined);
  const last = useRef<LiveList<Row> | undefined>(undefined);
  useEffect(() => {
    const list = new LiveList(sourceFor());
    let isOver = false;
    // The first one shows at once that it is on its way.
    if (shown.peek() === undefined) show(list);
    void list.begin().then(() => {
      if (!isOver) show(list);
      if (!isOver) list.isAtTop.value = true;
    });
    return () => {
      isOver = true;
      // What nobody saw ends here; what is seen, once the next one is there.
      if (last.current !== list) list.close();
    };
  }, [key]);
  useEffect(() => () => last.current?.close(), []);
  const isFailing = shown.value?.list.rows.error.value !== undefined;
  useEffect(() => {
    if (!isFailing) return;
    // Further down it would lose one's place: there a button does it.
    return whileVisible(RETRY_MS, () => {
      const list = shown.peek()?.list;
      if (list?.isAtTop.peek()) void list.reload();
    });
  }, [isFailing]);

  function show(list: LiveList<Row>): void {
    if (last.current !== list) {
      const row = last.current?.rows.row(last.current.selected.peek());
      if (row !== undefined) list.selected.value = list.rows.indexInHead(list.idOf(row));
      last.current?.close();
    }
    last.current = list;
    shown.value = { list, key };
  }

  return { list: shown.value?.list, isStale: shown.value?.key !== key };
}
