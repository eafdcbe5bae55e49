import { useId, type ReactElement } from "react";
import { Link } from "wouter";

import { paths } from "../../../lib/paths";
import { usePastIncidents } from "../../../lib/queries";
import { duration } from "../../../lib/time";
import card from "../../../lib/ui/Card.module.css";
import { ErrorNotice } from "../../../lib/ui/ErrorNotice";
import { ExactMoment } from "../../../lib/ui/Moment";
import styles from "./PastIncidents.module.css";

export function PastIncidents(): ReactElement {
  const heading = useId();
  const past = usePastIncidents();
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading} className={card.heading}>
        Past incidents
      </h2>
      {past.data === undefined && past.isError && (
        <ErrorNotice
          error={past.error}
          busy={past.isFetching}
          retry={() => {
            void past.refetch();
          }}
        />
      )}
      {past.data?.results.length === 0 && <p className={styles.empty}>None so far.</p>}
      <ul>
        {past.data?.results.map((incident) => (
          <li key={incident.id} className={styles.row}>
            <Link href={paths.incident(incident.id)}>{incident.title}</Link>
            <p className={styles.when}>
              <ExactMoment at={incident.started_at} />
              {incident.resolved_at !== null && (
                <>, resolved after {duration(new Date(incident.started_at), new Date(incident.resolved_at))}</>
              )}
            </p>
          </li>
        ))}
      </ul>
      <p className={styles.more}>
        <Link href={paths.history}>All past incidents</Link>
      </p>
    </section>
  );
}
