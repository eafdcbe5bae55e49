import type { ReactElement } from "react";

import type { Component, ComponentState, Incident, IncidentState, IncidentUpdate } from "../../../lib/api/types";
import { IncidentBadge, StateMark } from "../../../lib/status/StateMark";
import { Timeline } from "../../../lib/status/Timeline";
import {
  COMPONENT_STATES,
  componentStateWords,
  headline,
  incidentStateWords,
  overview,
  severityWords,
} from "../../../lib/status/words";
import styles from "./parts.module.css";

interface Props {
  title: string;
  state: IncidentState;
  severity: Incident["severity"];
  updates: readonly IncidentUpdate[];
  /** All components, in the states that they have now. */
  components: readonly Component[];
  affected: readonly number[];
  /** States that are about to be set. */
  states: ReadonlyMap<number, ComponentState>;
  /** How many other incidents are open. */
  otherIncidents: number;
}

/** What everybody will see once the form is sent, drawn by what draws the public page. */
export function PublicPreview({
  title,
  state,
  severity,
  updates,
  components,
  affected,
  states,
  otherIncidents,
}: Props): ReactElement {
  const after = components.map(({ id, state: now }) => states.get(id) ?? now);
  const worst = after.reduce<ComponentState>(
    (one, other) => (COMPONENT_STATES.indexOf(other) > COMPONENT_STATES.indexOf(one) ? other : one),
    "operational",
  );
  const open = otherIncidents + (state === "resolved" ? 0 : 1);
  const touched = components.filter(({ id }) => affected.includes(id));
  return (
    <section aria-label="Preview" className={`${styles.preview} ${styles.sticky}`}>
      <p className={styles.previewBar}>What everybody will see</p>
      <div className={styles.previewBody}>
        <p className={styles.previewOverall}>
          <StateMark state={overview(worst, open)} large />
          <span>{headline(worst, open)}</span>
        </p>
        <div className={styles.previewCard} data-state={state}>
          <div className={styles.row}>
            <p className={styles.previewTitle}>{title.trim() === "" ? "(a title)" : title}</p>
            <p className={styles.badges}>
              <IncidentBadge state="severity">{`${severityWords[severity]} incident`}</IncidentBadge>
              <IncidentBadge state={state}>{incidentStateWords[state]}</IncidentBadge>
            </p>
          </div>
          {touched.length > 0 && (
            <p className={styles.muted}>Affects {touched.map(({ name }) => name).join(", ")}</p>
          )}
          <Timeline updates={updates} />
        </div>
        {touched.length > 0 && (
          <ul className={styles.stateList}>
            {touched.map(({ id, name, state: now }) => {
              const then = states.get(id) ?? now;
              return (
                <li key={id} className={styles.stateRow}>
                  <StateMark state={then} />
                  <strong>{name}</strong>
                  <span data-state={then}>{componentStateWords[then]}</span>
                  {then !== now && <span className={styles.muted}>(now {componentStateWords[now].toLowerCase()})</span>}
                </li>
              );
            })}
          </ul>
        )}
      </div>
    </section>
  );
}
