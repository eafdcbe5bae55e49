import { useState, type ReactElement } from "react";

import { fieldErrors } from "../../../lib/api/errors";
import type { Component, Maintenance } from "../../../lib/api/types";
import { duration } from "../../../lib/time";
import { Button } from "../../../lib/ui/Button";
import { Field } from "../../../lib/ui/Field";
import { ComponentChoice } from "../parts/ComponentChoice";
import { Form } from "../parts/Form";
import styles from "../parts/parts.module.css";
import { useUnsaved } from "../parts/useUnsaved";
import type { MaintenanceDraft } from "../types";
import { fromLocal, toLocal } from "./local";

interface Props {
  label: string;
  submitLabel: string;
  components: readonly Component[];
  before?: Maintenance;
  error: Error | null;
  busy: boolean;
  save: (draft: MaintenanceDraft) => void;
  leave?: () => void;
}

const HOUR = 3_600_000;

/** Title, message, window and components of maintenance. What has begun keeps its start and its components. */
export function MaintenanceForm({
  label,
  submitLabel,
  components,
  before,
  error,
  busy,
  save,
  leave,
}: Props): ReactElement {
  const [initial] = useState(() => {
    const next = new Date(Math.ceil((Date.now() + HOUR) / HOUR) * HOUR);
    return {
      title: before?.title ?? "",
      message: before?.message ?? "",
      starts: toLocal(before ? new Date(before.starts_at) : next),
      ends: toLocal(before ? new Date(before.ends_at) : new Date(next.getTime() + HOUR)),
      components: before?.components.map(({ id }) => id) ?? [],
    };
  });
  const [title, setTitle] = useState(initial.title);
  const [message, setMessage] = useState(initial.message);
  const [starts, setStarts] = useState(initial.starts);
  const [ends, setEnds] = useState(initial.ends);
  const [affected, setAffected] = useState<readonly number[]>(initial.components);
  const begun = before?.state === "in_progress";
  const [start, end] = [fromLocal(starts), fromLocal(ends)];
  const backwards = start !== null && end !== null && end <= start;
  useUnsaved(title !== initial.title || message !== initial.message);

  return (
    <Form
      label={label}
      error={error}
      busy={busy}
      fields={["title", "message", "starts_at", "ends_at", "components"]}
      submit={() => {
        if (start === null || end === null || backwards) return;
        save({
          title,
          message,
          starts_at: start.toISOString(),
          ends_at: end.toISOString(),
          components: [...affected],
        });
      }}
    >
      <Field label="Title" error={fieldErrors(error, "title")}>
        {(control) => (
          <input
            {...control}
            type="text"
            required
            maxLength={160}
            value={title}
            onChange={(event) => {
              setTitle(event.target.value);
            }}
          />
        )}
      </Field>
      <Field
        label="What is done, and what people will notice"
        error={fieldErrors(error, "message")}
      >
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
      <div className={styles.pair}>
        <Field
          label="Begins"
          hint={begun ? "It has begun, and its start stays." : "In your time zone."}
          error={fieldErrors(error, "starts_at")}
        >
          {(control) => (
            <input
              {...control}
              type="datetime-local"
              required
              disabled={begun}
              value={starts}
              onChange={(event) => {
                // The end moves along, as in a calendar.
                const moved = fromLocal(event.target.value);
                if (moved !== null && start !== null && end !== null && end > start) {
                  setEnds(toLocal(new Date(end.getTime() + moved.getTime() - start.getTime())));
                }
                setStarts(event.target.value);
              }}
            />
          )}
        </Field>
        <Field
          label="Ends"
          hint={start !== null && end !== null && !backwards ? `Takes ${duration(start, end)}.` : undefined}
          error={backwards ? "It has to end after it begins." : fieldErrors(error, "ends_at")}
        >
          {(control) => (
            <input
              {...control}
              type="datetime-local"
              required
              value={ends}
              onChange={(event) => {
                setEnds(event.target.value);
              }}
            />
          )}
        </Field>
      </div>
      {!begun && (
        <ComponentChoice
          legend="Components"
          hint="They are in maintenance while it goes on, unless they are broken."
          components={components}
          chosen={affected}
          change={setAffected}
          error={fieldErrors(error, "components")}
        />
      )}
      <div className={styles.actions}>
        <Button type="submit" kind="primary" busy={busy}>
          {busy ? "Saving…" : submitLabel}
        </Button>
        {leave && <Button onClick={leave}>Leave it</Button>}
      </div>
    </Form>
  );
}
