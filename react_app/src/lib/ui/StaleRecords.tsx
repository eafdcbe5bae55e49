import type { ReactElement } from "react";

import { useSummary } from "../queries";
import { exactly } from "../time";
import { Notice } from "./Notice";

/** Says that the service answers from memory: its database is away, for every page alike. */
export function StaleRecords(): ReactElement | null {
  const { data: summary } = useSummary();
  if (!summary?.stale) return null;
  const { as_of: asOf } = summary;
  return (
    <Notice
      title="Our records cannot be reached right now."
      advice={`What you see below is the last that we know${asOf === null ? "" : `, from ${exactly(new Date(asOf))}`}. It may have changed since.`}
    />
  );
}
