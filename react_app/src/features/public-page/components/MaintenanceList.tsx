import { useId, type ReactElement } from "react";

import type { Maintenance } from "../../../lib/api/types";
import { IncidentBadge } from "../../../lib/status/StateMark";
import { span } from "../../../lib/time";
import card from "../../../lib/ui/Card.module.css";
import styles from "./OpenIncidents.module.css";

interface Props {
  heading: string;
  maintenance: readonly Maintenance[];
}

/** Work that is announced or under way. */
export function MaintenanceList({ heading, maintenance }: Props): ReactElement | null {
  const id = useId();
  if (maintenance.length === 0) return null;
  return (
    <section aria-labelledby={id}>
      <h2 id={id} className={card.heading}>
        {heading}
      </h2>
      <ul className={styles.list}>
        {maintenance.map(({ id, title, message, state, starts_at: from, ends_at: to, components }) => (
          <li key={id} data-state="maintenance" className={`${card.card} ${styles.incident}`}>
            <div className={styles.head}>
              <h3 className={styles.title}>{title}</h3>
              <IncidentBadge state="maintenance">{state === "in_progress" ? "In progress" : "Planned"}</IncidentBadge>
            </div>
            <p className={styles.affected}>
              <time dateTime={from}>{span(new Date(from), new Date(to))}</time>
            </p>
            {components.length > 0 && (
              <p className={styles.affected}>Affects {components.map(({ name }) => name).join(", ")}</p>
            )}
            <p className={styles.message}>{message}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
