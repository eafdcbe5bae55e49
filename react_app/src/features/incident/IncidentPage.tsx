import type { ReactElement } from "react";
import { Link } from "wouter";

import { ApiError } from "../../lib/api/errors";
import { paths } from "../../lib/paths";
import { useIncident } from "../../lib/queries";
import { IncidentBadge } from "../../lib/status/StateMark";
import { Timeline } from "../../lib/status/Timeline";
import { incidentStateWords, severityWords } from "../../lib/status/words";
import { duration } from "../../lib/time";
import card from "../../lib/ui/Card.module.css";
import { ErrorNotice } from "../../lib/ui/ErrorNotice";
import { LostContact } from "../../lib/ui/LostContact";
import { ExactMoment } from "../../lib/ui/Moment";
import { PageTitle } from "../../lib/ui/PageTitle";
import { StaleRecords } from "../../lib/ui/StaleRecords";
import styles from "./IncidentPage.module.css";

export function IncidentPage({ id }: { id: number }): ReactElement {
  const incident = useIncident(id);
  const retry = (): void => {
    void incident.refetch();
  };
  return (
    <>
      <p className={styles.back}>
        <Link href={paths.home}>← Current state</Link>
      </p>
      {incident.data === undefined ? (
        <Missing error={incident.error} retry={retry} busy={incident.isFetching} />
      ) : (
        <article data-state={incident.data.state}>
          <LostContact query={incident} />
          <StaleRecords />
          <PageTitle documentTitle={incident.data.title}>{incident.data.title}</PageTitle>
          <dl className={styles.facts}>
            <div>
              <dt>State</dt>
              <dd>
                <IncidentBadge state={incident.data.state}>{incidentStateWords[incident.data.state]}</IncidentBadge>
              </dd>
            </div>
            <div>
              <dt>Severity</dt>
              <dd>{severityWords[incident.data.severity]}</dd>
            </div>
            <div>
              <dt>Started</dt>
              <dd>
                <ExactMoment at={incident.data.started_at} />
              </dd>
            </div>
            {incident.data.resolved_at !== null && (
              <div>
                <dt>Lasted</dt>
                <dd>{duration(new Date(incident.data.started_at), new Date(incident.data.resolved_at))}</dd>
              </div>
            )}
            {incident.data.components.length > 0 && (
              <div>
                <dt>Affects</dt>
                <dd>{incident.data.components.map(({ name }) => name).join(", ")}</dd>
              </div>
            )}
          </dl>
          <h2 className={card.heading}>Updates</h2>
          <div className={`${card.card} ${styles.updates}`}>
            <Timeline updates={incident.data.updates} />
          </div>
        </article>
      )}
    </>
  );
}

function Missing({ error, retry, busy }: { error: Error | null; retry: () => void; busy: boolean }): ReactElement {
  if (error === null) {
    return (
      <p role="status" className={styles.waiting}>
        Loading the incident…
      </p>
    );
  }
  const unknown = error instanceof ApiError && error.kind === "missing";
  return (
    <>
      <PageTitle documentTitle={unknown ? "Not found" : "Incident"}>
        {unknown ? "There is no such incident" : "The incident cannot be shown"}
      </PageTitle>
      <ErrorNotice error={error} retry={retry} busy={busy} />
    </>
  );
}
