import { useState, type ReactElement } from "react";

import type { Component, ComponentState } from "../../../lib/api/types";
import { COMPONENT_STATES, componentStateWords } from "../../../lib/status/words";
import { Button } from "../../../lib/ui/Button";
import { ErrorNotice } from "../../../lib/ui/ErrorNotice";
import { useDesk } from "../context";
import { changeComponents, useWrite } from "../data";
import styles from "./StateForm.module.css";

/** A state is chosen and then saved: arrow keys in a list must not tell the public anything. */
export function StateForm({ component }: { component: Component }): ReactElement {
  const { announce } = useDesk();
  const [chosen, setChosen] = useState<ComponentState | null>(null);
  const write = useWrite<Component>({
    optimistic: (client, { body }) => {
      const { state } = body as { state: ComponentState };
      changeComponents(client, (one) => (one.id === component.id ? { ...one, state } : one));
    },
    onSuccess: ({ name, state }) => {
      announce(`${name}: ${componentStateWords[state]}.`);
    },
  });
  const state = chosen ?? component.state;
  return (
    <form
      className={styles.form}
      aria-label={`State of ${component.name}`}
      onSubmit={(event) => {
        event.preventDefault();
        if (write.isPending || state === component.state) return;
        setChosen(null);
        write.mutate(
          { method: "PATCH", path: `/components/${component.id}/`, body: { state } },
          {
            onError: () => {
              setChosen(state);
            },
          },
        );
      }}
    >
      <select
        aria-label={`State of ${component.name}`}
        className={styles.select}
        data-state={state}
        value={state}
        onChange={(event) => {
          write.reset();
          const wanted = COMPONENT_STATES.find((option) => option === event.target.value);
          setChosen(wanted ?? null);
        }}
      >
        {COMPONENT_STATES.map((option) => (
          <option key={option} value={option}>
            {componentStateWords[option]}
          </option>
        ))}
      </select>
      {(state !== component.state || write.isPending) && (
        <Button type="submit" kind="primary" busy={write.isPending}>
          Save <span className="visually-hidden">the state of {component.name}</span>
        </Button>
      )}
      {write.isError && (
        <div className={styles.wide}>
          <p className={styles.back}>
            The state was not saved, and everybody still sees “{componentStateWords[component.state]}”.
          </p>
          <ErrorNotice error={write.error} />
        </div>
      )}
    </form>
  );
}
