import type { ReactElement } from "react";

import { explain } from "../api/errors";
import { Notice } from "./Notice";

/** An error of the API in words, with a button where trying again can help. */
export function ErrorNotice({
  error,
  retry,
  busy = false,
}: {
  error: unknown;
  retry?: () => void;
  busy?: boolean;
}): ReactElement {
  const { title, advice, canRetry } = explain(error);
  return (
    <Notice
      title={title}
      advice={advice}
      action={canRetry && retry ? { label: busy ? "Trying…" : "Try again", run: retry, busy } : undefined}
    />
  );
}
