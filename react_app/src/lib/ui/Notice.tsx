import type { ReactElement } from "react";

import { Button } from "./Button";
import styles from "./Notice.module.css";

interface Props {
  title: string;
  advice: string;
  action?: { label: string; run: () => void; busy?: boolean } | undefined;
}

/** Something went wrong, in words, with what can be done about it. Read out as soon as it appears. */
export function Notice({ title, advice, action }: Props): ReactElement {
  return (
    <div role="alert" className={styles.notice}>
      <div>
        <p className={styles.title}>{title}</p>
        <p className={styles.advice}>{advice}</p>
      </div>
      {action && (
        <Button onClick={action.run} busy={action.busy ?? false}>
          {action.label}
        </Button>
      )}
    </div>
  );
}
