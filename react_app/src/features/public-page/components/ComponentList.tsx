import { useId, type ReactElement } from "react";

import type { Component } from "../../../lib/api/types";
import { StateMark } from "../../../lib/status/StateMark";
import { componentStateWords } from "../../../lib/status/words";
import card from "../../../lib/ui/Card.module.css";
import { Moment } from "../../../lib/ui/Moment";
import styles from "./ComponentList.module.css";

export function ComponentList({ components }: { components: readonly Component[] }): ReactElement {
  const heading = useId();
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading} className={card.heading}>
        Components
      </h2>
      {components.length === 0 ? (
        <p className={styles.empty}>No components are listed yet.</p>
      ) : (
        <ul className={`${card.card} ${styles.list}`}>
          {components.map((component) => (
            <li key={component.id} data-state={component.state} className={styles.row}>
              <div className={styles.words}>
                <p className={styles.name}>{component.name}</p>
                {component.description !== "" && <p className={styles.description}>{component.description}</p>}
              </div>
              <div className={styles.state}>
                <p className={styles.stateWords}>
                  {componentStateWords[component.state]}
                  <StateMark state={component.state} />
                </p>
                {component.state !== "operational" && (
                  <p className={styles.since}>
                    changed <Moment at={component.state_changed_at} />
                  </p>
                )}
              </div>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
