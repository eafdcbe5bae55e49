import { useState, type ReactElement } from "react";
import { useLocation } from "wouter";

import { fieldErrors } from "../../../lib/api/errors";
import type { ComponentState, Incident, IncidentSeverity, IncidentState } from "../../../lib/api/types";
import { useSummary } from "../../../lib/queries";
import { INCIDENT_STATES, incidentStateWords } from "../../../lib/status/words";
import { Button } from "../../../lib/ui/Button";
import { Field } from "../../../lib/ui/Field";
import { useNow } from "../../../lib/ui/useNow";
import { useDesk } from "../context";
import { useWrite } from "../data";
import { Answer } from "../parts/Answer";
import { Choice, optionsOf } from "../parts/Choice";
import { ComponentChoice } from "../parts/ComponentChoice";
import { Form } from "../parts/Form";
import { Head } from "../parts/Head";
import styles from "../parts/parts.module.css";
import { PublicPreview } from "../parts/PublicPreview";
import { useUnsaved } from "../parts/useUnsaved";
import { consolePaths } from "../paths";
import { SEVERITIES, severityWords } from "../words";
import { AffectedStates, statesOf } from "./AffectedStates";

/** What a component most likely is when an incident of a severity begins. */
const LIKELY: Record<IncidentSeverity, ComponentState> = {
  minor: "degraded",
  major: "partial_outage",
  critical: "major_outage",
};

export function NewIncidentPage(): ReactElement {
  const { announce } = useDesk();
  const [, navigate] = useLocation();
  const summary = useSummary();
  const now = useNow();
  const [title, setTitle] = useState("");
  const [message, setMessage] = useState("");
  const [severity, setSeverity] = useState<IncidentSeverity>("minor");
  const [state, setState] = useState<IncidentState>("investigating");
  const [affected, setAffected] = useState<readonly number[]>([]);
  const [states, setStates] = useState<ReadonlyMap<number, ComponentState>>(new Map());
  const open = useWrite<Incident>({
    onSuccess: (incident) => {
      announce(`Opened: ${incident.title}.`);
      navigate(consolePaths.incident(incident.id));
    },
  });
  useUnsaved((title !== "" || message !== "") && !open.isSuccess);

  const affect = (chosen: readonly number[]): void => {
    const added = chosen.filter((id) => !affected.includes(id));
    setAffected(chosen);
    setStates((before) => {
      const after = new Map([...before].filter(([id]) => chosen.includes(id)));
      for (const id of added) after.set(id, LIKELY[severity]);
      return after;
    });
  };

  /** What was only assumed of the components follows the severity; what somebody has chosen stays. */
  const grade = (chosen: IncidentSeverity): void => {
    setSeverity(chosen);
    setStates(
      (before) => new Map([...before].map(([id, one]) => [id, one === LIKELY[severity] ? LIKELY[chosen] : one])),
    );
  };

  return (
    <>
      <Head title="Open an incident" documentTitle="Open an incident">
        Everybody sees it at once, and subscribers are told.
      </Head>
      <Answer query={summary} what="the components">
        {({ components, open_incidents }) => (
          <div className={styles.two}>
            <Form
              label="Open an incident"
              error={open.error}
              busy={open.isPending}
              fields={["title", "message", "severity", "state", "components", "component_states"]}
              submit={() => {
                open.mutate({
                  method: "POST",
                  path: "/incidents/",
                  body: {
                    title,
                    message,
                    severity,
                    state,
                    components: affected,
                    component_states: statesOf(states, affected),
                  },
                });
              }}
            >
              <Field
                label="Title"
                hint="What people notice, not what caused it."
                error={fieldErrors(open.error, "title")}
              >
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
              <div className={styles.pair}>
                <Choice
                  label="Severity"
                  error={fieldErrors(open.error, "severity")}
                  value={severity}
                  options={optionsOf(SEVERITIES, severityWords)}
                  change={grade}
                />
                <Choice
                  label="State"
                  error={fieldErrors(open.error, "state")}
                  value={state}
                  options={optionsOf(
                    INCIDENT_STATES.filter((option) => option !== "resolved"),
                    incidentStateWords,
                  )}
                  change={setState}
                />
              </div>
              <ComponentChoice
                legend="Affected components"
                components={components}
                chosen={affected}
                change={affect}
                error={fieldErrors(open.error, "components")}
              />
              <AffectedStates
                components={components.filter(({ id }) => affected.includes(id))}
                states={states}
                change={setStates}
                error={fieldErrors(open.error, "component_states")}
              />
              <div className={styles.actions}>
                <Button type="submit" kind="primary" busy={open.isPending}>
                  {open.isPending ? "Opening…" : "Open incident"}
                </Button>
              </div>
            </Form>
            <PublicPreview
              title={title}
              state={state}
              severity={severity}
              updates={[{ id: 0, state, message: message === "" ? "(the first update)" : message, created_at: now.toISOString() }]}
              components={components}
              affected={affected}
              states={states}
              otherIncidents={open_incidents.length}
            />
          </div>
        )}
      </Answer>
    </>
  );
}
