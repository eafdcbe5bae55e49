import { useState, type ReactElement } from "react";
import { Link } from "wouter";

import { fieldErrors } from "../../../lib/api/errors";
import type { Incident, IncidentState } from "../../../lib/api/types";
import { paths } from "../../../lib/paths";
import { INCIDENT_STATES, incidentStateWords } from "../../../lib/status/words";
import { Button } from "../../../lib/ui/Button";
import card from "../../../lib/ui/Card.module.css";
import { ErrorNotice } from "../../../lib/ui/ErrorNotice";
import { Field } from "../../../lib/ui/Field";
import { usePostUpdate } from "../../../lib/writes";
import styles from "./forms.module.css";

export function UpdateForm({ incident }: { incident: Incident }): ReactElement {
  const [chosen, setChosen] = useState<IncidentState | null>(null);
  const [message, setMessage] = useState("");
  const post = usePostUpdate(incident.id);
  const state = chosen ?? incident.state;
  return (
    <form
      className={`${card.card} ${styles.form}`}
      aria-label={`Update on ${incident.title}`}
      onSubmit={(event) => {
        event.preventDefault();
        if (post.isPending) return;
        post.mutate(
          { state, message },
          {
            onSuccess: () => {
              setChosen(null);
              setMessage("");
            },
          },
        );
      }}
    >
      <h3 className={styles.title}>
        <Link href={paths.incident(incident.id)}>{incident.title}</Link>
      </h3>
      {post.isError && <ErrorNotice error={post.error} />}
      <Field label="State" error={fieldErrors(post.error, "state")}>
        {(control) => (
          <select
            {...control}
            value={state}
            onChange={(event) => {
              setChosen(event.target.value as IncidentState);
            }}
          >
            {INCIDENT_STATES.map((option) => (
              <option key={option} value={option}>
                {incidentStateWords[option]}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="What is known now" error={fieldErrors(post.error, "message")}>
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
      <div className={styles.actions}>
        <Button type="submit" kind="primary" busy={post.isPending}>
          {state === "resolved" ? "Post and resolve" : "Post update"}
        </Button>
        <p role="status" className={styles.done}>
          {post.isSuccess && message === "" && "Posted."}
        </p>
      </div>
    </form>
  );
}
