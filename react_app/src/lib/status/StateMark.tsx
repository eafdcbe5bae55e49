import type { ReactElement } from "react";

import type { ComponentState, IncidentState } from "../api/types";
import styles from "./StateMark.module.css";

/** One shape per state, so that colour is never the only sign. Drawn on 24 × 24. */
const SHAPES: Record<ComponentState, string> = {
  operational: "M7 12.5l3.4 3.4L17 9",
  maintenance: "M12 7v5l3.2 2",
  degraded: "M12 7v6M12 16.6v.1",
  partial_outage: "M7.5 12h9",
  major_outage: "M8.4 8.4l7.2 7.2M15.6 8.4l-7.2 7.2",
};

/** A decoration: the words stand beside it. */
export function StateMark({ state, large = false }: { state: ComponentState; large?: boolean }): ReactElement {
  return (
    <svg viewBox="0 0 24 24" data-state={state} className={large ? styles.large : styles.small} aria-hidden="true">
      <circle cx="12" cy="12" r="11" className={styles.ground} />
      <path d={SHAPES[state]} className={styles.line} />
    </svg>
  );
}

interface BadgeProps {
  state: IncidentState | "maintenance" | "severity";
  children: string;
}

/** A word about an incident or maintenance as a small label. */
export function IncidentBadge({ state, children }: BadgeProps): ReactElement {
  return (
    <span data-state={state} className={styles.badge}>
      {children}
    </span>
  );
}
