import type { ReactElement } from "react";

import { useSummary, useUptime } from "../../lib/queries";
import { headline, overview } from "../../lib/status/words";
import { clock } from "../../lib/time";
import { ErrorNotice } from "../../lib/ui/ErrorNotice";
import { LostContact } from "../../lib/ui/LostContact";
import { PageTitle } from "../../lib/ui/PageTitle";
import { StaleRecords } from "../../lib/ui/StaleRecords";
import { ComponentList } from "./components/ComponentList";
import { MaintenanceList } from "./components/MaintenanceList";
import { OpenIncidents } from "./components/OpenIncidents";
import { OverallState } from "./components/OverallState";
import { PastIncidents } from "./components/PastIncidents";
import { Waiting } from "./components/Waiting";

export function PublicPage(): ReactElement {
  const summary = useSummary();
  const uptime = useUptime();

  if (summary.data === undefined) {
    if (summary.isError) {
      return (
        <>
          <PageTitle documentTitle="State unknown">We cannot tell the state right now</PageTitle>
          <ErrorNotice
            error={summary.error}
            busy={summary.isFetching}
            retry={() => {
              void summary.refetch();
            }}
          />
        </>
      );
    }
    return <Waiting />;
  }

  const { overall_state: overall, groups, components, open_incidents: incidents, maintenance, stale } = summary.data;
  const { as_of: asOf } = summary.data;
  const words = headline(overall, incidents.length);
  return (
    <>
      <LostContact query={summary} />
      <StaleRecords />
      <OverallState
        state={overview(overall, incidents.length)}
        words={words}
        detail={
          summary.isError || stale
            ? `Last known at ${clock(new Date(stale && asOf !== null ? asOf : summary.dataUpdatedAt))}`
            : `Checked at ${clock(new Date(summary.dataUpdatedAt))}`
        }
      />
      <OpenIncidents incidents={incidents} />
      <MaintenanceList heading="Maintenance under way" maintenance={maintenance.filter(isRunning)} />
      {/* Bars that come later would push everything down while somebody reads it. */}
      {uptime.isPending ? (
        <Waiting />
      ) : (
        <>
          <ComponentList
            groups={groups}
            components={components}
            uptime={uptime.data}
            uptimeFailed={uptime.data === undefined}
          />
          <MaintenanceList
            heading="Planned maintenance"
            maintenance={maintenance.filter((planned) => !isRunning(planned))}
          />
          <PastIncidents />
        </>
      )}
    </>
  );
}

function isRunning({ state }: { state: string }): boolean {
  return state === "in_progress";
}
