import type { ReactElement, ReactNode } from "react";

import styles from "./parts.module.css";

/** A small label; `tone` is a state whose colour fits. The words say it all without the colour. */
export function Badge({ tone, children }: { tone: string; children: ReactNode }): ReactElement {
  return (
    <span data-state={tone} className={styles.badge}>
      {children}
    </span>
  );
}
