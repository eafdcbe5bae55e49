import type { ReactElement } from "react";
import { Link } from "wouter";

import type { Incident } from "../../lib/api/types";
import { paths } from "../../lib/paths";
import { IncidentBadge } from "../../lib/status/StateMark";
import { incidentStateWords, severityWords } from "../../lib/status/words";
import { duration } from "../../lib/time";
import { Button } from "../../lib/ui/Button";
import card from "../../lib/ui/Card.module.css";
import { ErrorNotice } from "../../lib/ui/ErrorNotice";
import { Loading } from "../../lib/ui/Loading";
import { ExactMoment } from "../../lib/ui/Moment";
import { PageTitle } from "../../lib/ui/PageTitle";
import { StaleRecords } from "../../lib/ui/StaleRecords";
import { useNow } from "../../lib/ui/useNow";
import styles from "./HistoryPage.module.css";
import { monthOfMoment, monthWords, shifted, type Month } from "./months";
import { useIncidentBefore, useIncidentsOf } from "./queries";

/** What happened in a month; in the current one when none is named. */
export function HistoryPage({ month: named }: { month?: Month }): ReactElement {
  const current = monthOfMoment(useNow());
  const month = named ?? current;
  const incidents = useIncidentsOf(month);
  const before = useIncidentBefore(month);
  const found = incidents.data?.pages.flatMap(({ results }) => results);
  const last = before.data?.results[0];
  const lastMonth = last && monthOfMoment(new Date(last.started_at));
  return (
    <>
      <PageTitle documentTitle={`History, ${monthWords(month)}`}>Incidents in {monthWords(month)}</PageTitle>
      <StaleRecords />
      <nav aria-label="Months" className={styles.months}>
        {/* Without an answer nobody knows whether there is more, and the link may be right. */}
        {before.isSuccess && !last ? (
          <span>Nothing before {monthWords(month)}</span>
        ) : (
          <Link href={paths.monthOf(shifted(month, -1))}>← {monthWords(shifted(month, -1))}</Link>
        )}
        {month < current && <Link href={paths.monthOf(shifted(month, 1))}>{monthWords(shifted(month, 1))} →</Link>}
      </nav>
      {incidents.isError && (
        <ErrorNotice
          error={incidents.error}
          busy={incidents.isFetching}
          retry={() => {
            void incidents.refetch();
          }}
        />
      )}
      {incidents.isPending && <Loading />}
      {found?.length === 0 && (
        <p className={styles.empty}>
          No incident began in {monthWords(month)}.{" "}
          {lastMonth !== undefined && <Link href={paths.monthOf(lastMonth)}>The one before was in {monthWords(lastMonth)}</Link>}
        </p>
      )}
      {found !== undefined && found.length > 0 && (
        <ul className={card.card}>
          {found.map((incident) => (
            <Row key={incident.id} incident={incident} />
          ))}
        </ul>
      )}
      {incidents.hasNextPage && (
        <p className={styles.more}>
          <Button
            busy={incidents.isFetchingNextPage}
            onClick={() => {
              void incidents.fetchNextPage();
            }}
          >
            {incidents.isFetchingNextPage ? "Loading…" : "Show more"}
          </Button>
        </p>
      )}
    </>
  );
}

function Row({ incident }: { incident: Incident }): ReactElement {
  const { id, title, state, severity, started_at: from, resolved_at: to, components, updates } = incident;
  return (
    <li data-state={state} className={styles.row}>
      <div className={styles.head}>
        <h2 className={styles.title}>
          <Link href={paths.incident(id)}>{title}</Link>
        </h2>
        <p className={styles.badges}>
          <IncidentBadge state="severity">{severityWords[severity]}</IncidentBadge>
          <IncidentBadge state={state}>{incidentStateWords[state]}</IncidentBadge>
        </p>
      </div>
      <p className={styles.facts}>
        <ExactMoment at={from} />
        {to !== null && <>, resolved after {duration(new Date(from), new Date(to))}</>}
        {components.length > 0 && <>. Affected {components.map(({ name }) => name).join(", ")}</>}
      </p>
      {updates[0] && <p className={styles.message}>{updates[0].message}</p>}
    </li>
  );
}
