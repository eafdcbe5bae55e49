import type { ReactElement } from "react";

import type { ComponentState } from "../../../lib/api/types";
import { StateMark } from "../../../lib/status/StateMark";
import { PageTitle } from "../../../lib/ui/PageTitle";
import styles from "./OverallState.module.css";

interface Props {
  state: ComponentState;
  words: string;
  detail: string;
}

export function OverallState({ state, words, detail }: Props): ReactElement {
  return (
    <section data-state={state} className={styles.panel} aria-label="Overall state">
      <StateMark state={state} large />
      <div>
        <div role="status">
          <PageTitle documentTitle={words} className={styles.title}>
            {words}
          </PageTitle>
        </div>
        <p className={styles.checked}>{detail}</p>
      </div>
    </section>
  );
}
