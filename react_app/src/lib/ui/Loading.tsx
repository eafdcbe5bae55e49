import type { ReactElement } from "react";

import styles from "./Loading.module.css";

/** Stands where something will be in a moment, and says so to those who cannot see it. */
export function Loading({ children = "Loading…" }: { children?: string }): ReactElement {
  return (
    <p role="status" className={styles.loading}>
      {children}
    </p>
  );
}
