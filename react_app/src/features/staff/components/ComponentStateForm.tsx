import { useState, type ReactElement } from "react";

import type { Component, ComponentState } from "../../../lib/api/types";
import { COMPONENT_STATES, componentStateWords } from "../../../lib/status/words";
import { Button } from "../../../lib/ui/Button";
import { ErrorNotice } from "../../../lib/ui/ErrorNotice";
import { Field } from "../../../lib/ui/Field";
import { useSetComponentState } from "../../../lib/writes";
import styles from "./forms.module.css";

/** A state is chosen and then saved: arrow keys in a list must not tell the public anything. */
export function ComponentStateForm({ component }: { component: Component }): ReactElement {
  const [chosen, setChosen] = useState<ComponentState | null>(null);
  const change = useSetComponentState(component.id);
  const state = chosen ?? component.state;
  return (
    <form
      className={styles.row}
      aria-label={component.name}
      onSubmit={(event) => {
        event.preventDefault();
        if (change.isPending) return;
        change.mutate(state, {
          onSuccess: () => {
            setChosen(null);
          },
        });
      }}
    >
      <Field
        label={
          <>
            <span className="visually-hidden">State of</span>{" "}
            {component.name}
          </>
        }
      >
        {(control) => (
          <select
            {...control}
            value={state}
            onChange={(event) => {
              change.reset();
              setChosen(event.target.value as ComponentState);
            }}
          >
            {COMPONENT_STATES.map((option) => (
              <option key={option} value={option}>
                {componentStateWords[option]}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Button type="submit" kind={state === component.state ? "plain" : "primary"} busy={change.isPending}>
        Save <span className="visually-hidden">the state of {component.name}</span>
      </Button>
      <p role="status" className={`${styles.wide} ${styles.done}`}>
        {change.isSuccess && `Saved: ${componentStateWords[change.data.state]}.`}
      </p>
      {change.isError && (
        <div className={styles.wide}>
          <ErrorNotice error={change.error} />
        </div>
      )}
    </form>
  );
}
