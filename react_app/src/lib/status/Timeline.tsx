import type { ReactElement } from "react";

import type { IncidentUpdate } from "../api/types";
import { Moment } from "../ui/Moment";
import styles from "./Timeline.module.css";
import { incidentStateWords } from "./words";

/** What was said about an incident, newest first. */
export function Timeline({ updates }: { updates: readonly IncidentUpdate[] }): ReactElement {
  return (
    <ol className={styles.timeline}>
      {updates.map((update) => (
        <li key={update.id} data-state={update.state} className={styles.update}>
          <p className={styles.head}>
            <strong>{incidentStateWords[update.state]}</strong>
            <span aria-hidden="true"> · </span>
            <Moment at={update.created_at} />
          </p>
          <p className={styles.message}>{update.message}</p>
        </li>
      ))}
    </ol>
  );
}
