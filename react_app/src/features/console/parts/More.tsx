import { useRef, type ReactElement } from "react";

import { Button } from "../../../lib/ui/Button";
import { ErrorNotice } from "../../../lib/ui/ErrorNotice";
import styles from "./parts.module.css";

interface Pages {
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  readonly isFetchNextPageError: boolean;
  readonly error: Error | null;
  readonly fetchNextPage: () => unknown;
}

/** The end of a list: more of it, or the fact that this was all. */
export function More({ list, shown }: { list: Pages; shown: number }): ReactElement {
  const place = useRef<HTMLDivElement>(null);
  return (
    <div ref={place} className={styles.more}>
      {list.isFetchNextPageError && <ErrorNotice error={list.error} />}
      {list.hasNextPage ? (
        <Button
          busy={list.isFetchingNextPage}
          onClick={() => {
            list.fetchNextPage();
          }}
        >
          {list.isFetchingNextPage ? "Loading…" : "Show older ones"}
        </Button>
      ) : null}
      <p role="status" className={styles.muted}>
        {list.hasNextPage ? `The newest ${shown} are shown.` : shown > 0 ? `${shown} in all.` : ""}
      </p>
    </div>
  );
}
