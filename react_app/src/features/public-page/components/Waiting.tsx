import type { ReactElement } from "react";

import styles from "./Waiting.module.css";

/** Keeps the place of what comes, and says so to those who cannot see it. */
export function Waiting(): ReactElement {
  return (
    <div role="status" data-waiting className={styles.waiting}>
      <p className={styles.words}>Asking for the current state…</p>
    </div>
  );
}
