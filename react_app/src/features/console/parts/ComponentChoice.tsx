import type { ReactElement } from "react";

import type { Component } from "../../../lib/api/types";
import styles from "./parts.module.css";

/** Check boxes for components. */
export function ComponentChoice({
  legend,
  hint,
  error,
  components,
  chosen,
  change,
}: {
  legend: string;
  hint?: string;
  error?: string | undefined;
  components: readonly Component[];
  chosen: readonly number[];
  change: (chosen: readonly number[]) => void;
}): ReactElement | null {
  if (components.length === 0) return null;
  return (
    <fieldset aria-invalid={error !== undefined} tabIndex={-1}>
      <legend className={styles.legend}>{legend}</legend>
      {hint !== undefined && <p className={styles.hint}>{hint}</p>}
      <div className={styles.choices}>
        {components.map(({ id, name }) => (
          <label key={id} className={styles.choice}>
            <input
              type="checkbox"
              checked={chosen.includes(id)}
              onChange={(event) => {
                change(event.target.checked ? [...chosen, id] : chosen.filter((other) => other !== id));
              }}
            />
            {name}
          </label>
        ))}
      </div>
      {error !== undefined && <p className={styles.wrong}>{error}</p>}
    </fieldset>
  );
}
