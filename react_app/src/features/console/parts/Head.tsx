import type { ReactElement, ReactNode } from "react";

import { PageTitle } from "../../../lib/ui/PageTitle";
import styles from "./parts.module.css";

/** The top of a page of the console: its name, one sentence, and what can be done. */
export function Head({
  title,
  documentTitle,
  children,
  actions,
}: {
  title: ReactNode;
  documentTitle: string;
  children?: ReactNode;
  actions?: ReactNode;
}): ReactElement {
  return (
    <div className={styles.head}>
      <div className={styles.headText}>
        <PageTitle documentTitle={documentTitle} className={styles.title}>
          {title}
        </PageTitle>
        {children !== undefined && <div className={styles.lead}>{children}</div>}
      </div>
      {actions !== undefined && <div className={styles.actions}>{actions}</div>}
    </div>
  );
}
