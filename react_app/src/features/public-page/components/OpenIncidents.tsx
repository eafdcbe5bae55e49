import { useId, type ReactElement } from "react";
import { Link } from "wouter";

import type { Incident } from "../../../lib/api/types";
import { paths } from "../../../lib/paths";
import { IncidentBadge } from "../../../lib/status/StateMark";
import { Timeline } from "../../../lib/status/Timeline";
import { incidentStateWords, severityWords } from "../../../lib/status/words";
import card from "../../../lib/ui/Card.module.css";
import styles from "./OpenIncidents.module.css";

/** More of an incident is on its own page. */
const UPDATES_SHOWN = 3;

export function OpenIncidents({ incidents }: { incidents: readonly Incident[] }): ReactElement | null {
  const heading = useId();
  if (incidents.length === 0) return null;
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading} className={card.heading}>
        Open incidents
      </h2>
      <ul className={styles.list}>
        {incidents.map((incident) => (
          <li key={incident.id} data-state={incident.state} className={`${card.card} ${styles.incident}`}>
            <div className={styles.head}>
              <h3 className={styles.title}>
                <Link href={paths.incident(incident.id)}>{incident.title}</Link>
              </h3>
              <p className={styles.badges}>
                <IncidentBadge state="severity">{`${severityWords[incident.severity]} incident`}</IncidentBadge>
                <IncidentBadge state={incident.state}>{incidentStateWords[incident.state]}</IncidentBadge>
              </p>
            </div>
            {incident.components.length > 0 && (
              <p className={styles.affected}>Affects {incident.components.map(({ name }) => name).join(", ")}</p>
            )}
            <Timeline updates={incident.updates.slice(0, UPDATES_SHOWN)} />
            {incident.updates.length > UPDATES_SHOWN && (
              <p className={styles.more}>
                <Link href={paths.incident(incident.id)}>
                  All {incident.updates.length} updates <span className="visually-hidden">on {incident.title}</span>
                </Link>
              </p>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
