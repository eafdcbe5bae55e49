import type { ReactElement } from "react";

import type { ComponentState } from "../../../lib/api/types";
import { StateMark } from "../../../lib/status/StateMark";
import { clock } from "../../../lib/time";
import { PageTitle } from "../../../lib/ui/PageTitle";
import styles from "./OverallState.module.css";

interface Props {
  state: ComponentState;
  words: string;
  checkedAt: Date;
  stale: boolean;
}

export function OverallState({ state, words, checkedAt, stale }: Props): ReactElement {
  return (
    <section data-state={state} className={styles.panel} aria-label="Overall state">
      <StateMark state={state} large />
      <div>
        <div role="status">
          <PageTitle documentTitle={words} className={styles.title}>
            {words}
          </PageTitle>
        </div>
        <p className={styles.checked}>
          {stale ? "Last known at" : "Checked at"} {clock(checkedAt)}
        </p>
      </div>
    </section>
  );
}
