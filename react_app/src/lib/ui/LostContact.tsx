import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactElement } from "react";

import { clock } from "../time";
import { Notice } from "./Notice";

/** Says that something on the page can no longer be brought up to date, and since when. */
export function LostContact({ query }: { query: UseQueryResult }): ReactElement | null {
  if (!query.isError) return null;
  return (
    <Notice
      title={navigator.onLine ? "We have lost contact with the status service." : "You are offline."}
      advice={`What you see below is what we knew at ${clock(new Date(query.dataUpdatedAt))}. It may have changed since.`}
      action={{
        label: query.isFetching ? "Trying…" : "Try again",
        busy: query.isFetching,
        run: () => {
          void query.refetch();
        },
      }}
    />
  );
}
