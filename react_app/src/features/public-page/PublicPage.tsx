import type { ReactElement } from "react";

import { useSummary } from "../../lib/queries";
import { headline, overview } from "../../lib/status/words";
import { clock } from "../../lib/time";
import { ErrorNotice } from "../../lib/ui/ErrorNotice";
import { Notice } from "../../lib/ui/Notice";
import { PageTitle } from "../../lib/ui/PageTitle";
import { ComponentList } from "./components/ComponentList";
import { OpenIncidents } from "./components/OpenIncidents";
import { OverallState } from "./components/OverallState";
import { PastIncidents } from "./components/PastIncidents";
import { Waiting } from "./components/Waiting";

export function PublicPage(): ReactElement {
  const summary = useSummary();
  const retry = (): void => {
    void summary.refetch();
  };

  if (summary.data === undefined) {
    if (summary.isError) {
      return (
        <>
          <PageTitle documentTitle="State unknown">We cannot tell the state right now</PageTitle>
          <ErrorNotice error={summary.error} retry={retry} busy={summary.isFetching} />
        </>
      );
    }
    return <Waiting />;
  }

  const { overall_state: overall, components, open_incidents: incidents } = summary.data;
  const words = headline(overall, incidents.length);
  const checkedAt = new Date(summary.dataUpdatedAt);
  return (
    <>
      {summary.isError && (
        <Notice
          title="We have lost contact with the status service."
          advice={`What you see below is what we knew at ${clock(checkedAt)}. It may have changed since.`}
          action={{ label: summary.isFetching ? "Trying…" : "Try again", run: retry, busy: summary.isFetching }}
        />
      )}
      <OverallState state={overview(overall, incidents.length)} words={words} checkedAt={checkedAt} stale={summary.isError} />
      <OpenIncidents incidents={incidents} />
      <ComponentList components={components} />
      <PastIncidents />
    </>
  );
}
