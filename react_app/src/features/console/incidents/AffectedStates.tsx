import type { ReactElement } from "react";

import type { Component, ComponentState } from "../../../lib/api/types";
import { COMPONENT_STATES, componentStateWords } from "../../../lib/status/words";
import { Choice } from "../parts/Choice";
import styles from "../parts/parts.module.css";

/** A state for each affected component; "" leaves it as it is. */
export function AffectedStates({
  components,
  states,
  change,
  error,
}: {
  components: readonly Component[];
  states: ReadonlyMap<number, ComponentState>;
  change: (states: ReadonlyMap<number, ComponentState>) => void;
  error?: string | undefined;
}): ReactElement | null {
  if (components.length === 0) return null;
  return (
    <fieldset aria-invalid={error !== undefined} tabIndex={-1}>
      <legend className={styles.legend}>Their states from now on</legend>
      <div className={styles.pair}>
        {components.map(({ id, name, state }) => (
          <Choice<ComponentState | "">
            key={id}
            label={name}
            value={states.get(id) ?? ""}
            options={[
              ["", `As it is: ${componentStateWords[state].toLowerCase()}`] as const,
              ...COMPONENT_STATES.filter((option) => option !== state).map(
                (option) => [option, componentStateWords[option]] as const,
              ),
            ]}
            change={(chosen) => {
              const after = new Map(states);
              if (chosen === "") after.delete(id);
              else after.set(id, chosen);
              change(after);
            }}
          />
        ))}
      </div>
      {error !== undefined && <p className={styles.wrong}>{error}</p>}
    </fieldset>
  );
}

/** The states as the API takes them. */
export function statesOf(
  states: ReadonlyMap<number, ComponentState>,
  affected: readonly number[],
): { component: number; state: ComponentState }[] {
  return [...states].filter(([id]) => affected.includes(id)).map(([component, state]) => ({ component, state }));
}
