import type { ReactElement, ReactNode } from "react";

import { ApiError } from "../../../lib/api/errors";
import { clock } from "../../../lib/time";
import { ErrorNotice } from "../../../lib/ui/ErrorNotice";
import { Loading } from "../../../lib/ui/Loading";
import { Notice } from "../../../lib/ui/Notice";

interface Asked<T> {
  readonly data: T | undefined;
  readonly error: Error | null;
  readonly isFetching: boolean;
  readonly dataUpdatedAt: number;
  readonly refetch: () => unknown;
}

/** What a question to the API has brought: the answer, and the truth about its age when the API fails. */
export function Answer<T>({
  query,
  what,
  children,
}: {
  query: Asked<T>;
  /** "the incidents": for the sentence that says what is old. */
  what: string;
  children: (data: T) => ReactNode;
}): ReactElement {
  const { data, error, isFetching, dataUpdatedAt } = query;
  const retry = (): void => {
    void query.refetch();
  };
  if (data === undefined) {
    return error === null ? <Loading /> : <ErrorNotice error={error} retry={retry} busy={isFetching} />;
  }
  return (
    <>
      {error !== null &&
        (error instanceof ApiError && !error.passing ? (
          <ErrorNotice error={error} />
        ) : (
          <Notice
            title={`We cannot ask for ${what} right now.`}
            advice={`What you see is what we knew at ${clock(new Date(dataUpdatedAt))}.`}
            action={{ label: isFetching ? "Trying…" : "Try again", run: retry, busy: isFetching }}
          />
        ))}
      {children(data)}
    </>
  );
}
