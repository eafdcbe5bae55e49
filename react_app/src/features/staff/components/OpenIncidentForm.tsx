import { useState, type ReactElement } from "react";
import { Link } from "wouter";

import { fieldErrors } from "../../../lib/api/errors";
import type { Component, ComponentState, IncidentDraft } from "../../../lib/api/types";
import { paths } from "../../../lib/paths";
import { COMPONENT_STATES, componentStateWords } from "../../../lib/status/words";
import { Button } from "../../../lib/ui/Button";
import card from "../../../lib/ui/Card.module.css";
import { ErrorNotice } from "../../../lib/ui/ErrorNotice";
import { Field } from "../../../lib/ui/Field";
import { useOpenIncident } from "../../../lib/writes";
import styles from "./forms.module.css";

export function OpenIncidentForm({ components }: { components: readonly Component[] }): ReactElement {
  const [title, setTitle] = useState("");
  const [message, setMessage] = useState("");
  const [affected, setAffected] = useState<ReadonlySet<number>>(new Set());
  const [componentState, setComponentState] = useState<ComponentState>("degraded");
  const open = useOpenIncident();

  const toggle = (id: number): void => {
    setAffected((before) => {
      const after = new Set(before);
      if (!after.delete(id)) after.add(id);
      return after;
    });
  };

  const submit = (): void => {
    if (open.isPending) return;
    const draft: IncidentDraft = {
      title,
      message,
      state: "investigating",
      components: [...affected],
      component_state: affected.size > 0 ? componentState : null,
    };
    open.mutate(draft, {
      onSuccess: () => {
        setTitle("");
        setMessage("");
        setAffected(new Set());
      },
    });
  };

  return (
    <form
      className={`${card.card} ${styles.form}`}
      aria-label="Open an incident"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {open.isError && <ErrorNotice error={open.error} />}
      <Field label="Title" hint="What people notice, not what caused it." error={fieldErrors(open.error, "title")}>
        {(control) => (
          <input
            {...control}
            type="text"
            required
            maxLength={160}
            value={title}
            onChange={(event) => {
              open.reset();
              setTitle(event.target.value);
            }}
          />
        )}
      </Field>
      <Field label="First update" error={fieldErrors(open.error, "message")}>
        {(control) => (
          <textarea
            {...control}
            required
            maxLength={4000}
            value={message}
            onChange={(event) => {
              setMessage(event.target.value);
            }}
          />
        )}
      </Field>
      {components.length > 0 && (
        <fieldset>
          <legend className={styles.legend}>Affected components</legend>
          <div className={styles.choices}>
            {components.map((component) => (
              <label key={component.id} className={styles.choice}>
                <input
                  type="checkbox"
                  checked={affected.has(component.id)}
                  onChange={() => {
                    toggle(component.id);
                  }}
                />
                {component.name}
              </label>
            ))}
          </div>
        </fieldset>
      )}
      {affected.size > 0 && (
        <Field label="Their state from now on" error={fieldErrors(open.error, "component_state")}>
          {(control) => (
            <select
              {...control}
              value={componentState}
              onChange={(event) => {
                setComponentState(event.target.value as ComponentState);
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
      )}
      <div className={styles.actions}>
        <Button type="submit" kind="primary" busy={open.isPending}>
          {open.isPending ? "Opening…" : "Open incident"}
        </Button>
        <p role="status" className={styles.done}>
          {open.isSuccess && (
            <>
              Opened. <Link href={paths.incident(open.data.id)}>See it as everybody does</Link>
            </>
          )}
        </p>
      </div>
    </form>
  );
}
