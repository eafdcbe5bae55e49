import { useState, type ReactElement } from "react";

import type { Version } from "../../../lib/api/client";
import { ApiError, fieldErrors } from "../../../lib/api/errors";
import type { Component, ComponentState, Incident, IncidentState, IncidentUpdate } from "../../../lib/api/types";
import { INCIDENT_STATES, incidentStateWords } from "../../../lib/status/words";
import { Button } from "../../../lib/ui/Button";
import { Field } from "../../../lib/ui/Field";
import { useNow } from "../../../lib/ui/useNow";
import { useDesk } from "../context";
import { useWrite } from "../data";
import { Choice, optionsOf } from "../parts/Choice";
import { Conflict } from "../parts/Conflict";
import { Form } from "../parts/Form";
import styles from "../parts/parts.module.css";
import { PublicPreview } from "../parts/PublicPreview";
import { useUnsaved } from "../parts/useUnsaved";
import { AffectedStates, statesOf } from "./AffectedStates";

interface Props {
  version: Version<Incident>;
  components: readonly Component[];
  otherIncidents: number;
}

/** What is known now. Sent against what was on the screen when typing began, so that nobody talks past a colleague. */
export function PostUpdate({ version, components, otherIncidents }: Props): ReactElement {
  const { announce } = useDesk();
  const now = useNow();
  const [message, setMessage] = useState("");
  const [chosen, setChosen] = useState<IncidentState | null>(null);
  const [states, setStates] = useState<ReadonlyMap<number, ComponentState>>(new Map());
  const [base, setBase] = useState<Version<Incident> | null>(null);
  const post = useWrite<IncidentUpdate>({
    onSuccess: (update) => {
      announce(update.state === "resolved" ? "Posted, and the incident is resolved." : "Posted.");
      setMessage("");
      setChosen(null);
      setStates(new Map());
      setBase(null);
    },
  });
  useUnsaved(message !== "");

  const incident = version.data;
  const state = chosen ?? incident.state;
  const affected = components.filter(({ id }) => incident.components.some((one) => one.id === id));
  const ids = affected.map(({ id }) => id);
  const current = post.error instanceof ApiError && post.error.kind === "changed" ? post.error : null;
  const theirs = current?.problem?.current as Incident | undefined;

  const send = (etag: string | null): void => {
    post.mutate({
      method: "POST",
      path: `/incidents/${incident.id}/updates/`,
      body: { state, message, component_states: statesOf(states, ids) },
      ifMatch: etag,
    });
  };
  /** The moment of the first change is what the person has read. */
  const begin = (): void => {
    setBase((before) => before ?? version);
  };

  return (
    <>
      {current !== null && theirs !== undefined && (
        <Conflict
          differences={[
            { name: "State", mine: incidentStateWords[state], theirs: incidentStateWords[theirs.state] },
            { name: "Update", mine: message, theirs: theirs.updates[0]?.message ?? "" },
          ]}
          mineLabel="Post mine as well"
          theirsLabel="Read theirs first"
          busy={post.isPending}
          keepMine={() => {
            send(current.etag);
          }}
          takeTheirs={() => {
            post.reset();
            setBase(null);
            setChosen(null);
          }}
        >
          The incident has news that you have not seen. Your update is still in the form and was not posted.
        </Conflict>
      )}
      <div className={styles.two}>
        <Form
          label={`Update on ${incident.title}`}
          error={post.error}
          busy={post.isPending}
          fields={["state", "message", "component_states"]}
          submit={() => {
            send((base ?? version).etag);
          }}
        >
          <Field label="What is known now" error={fieldErrors(post.error, "message")}>
            {(control) => (
              <textarea
                {...control}
                required
                maxLength={4000}
                value={message}
                onChange={(event) => {
                  begin();
                  setMessage(event.target.value);
                }}
              />
            )}
          </Field>
          <Choice
            label="State"
            error={fieldErrors(post.error, "state")}
            value={state}
            options={optionsOf(INCIDENT_STATES, incidentStateWords)}
            change={(wanted) => {
              begin();
              setChosen(wanted);
              // Who resolves mostly means that all is well again; each can still be chosen.
              if (wanted === "resolved") {
                setStates(
                  new Map(
                    affected
                      .filter((one) => one.state !== "operational" && one.state !== "maintenance")
                      .map(({ id }) => [id, "operational" as const]),
                  ),
                );
              }
            }}
          />
          <AffectedStates
            components={affected}
            states={states}
            change={(wanted) => {
              begin();
              setStates(wanted);
            }}
            error={fieldErrors(post.error, "component_states")}
          />
          <div className={styles.actions}>
            <Button type="submit" kind="primary" busy={post.isPending}>
              {post.isPending
                ? "Posting…"
                : state === "resolved"
                  ? incident.state === "resolved"
                    ? "Post update"
                    : "Post and resolve"
                  : incident.state === "resolved"
                    ? "Post and open again"
                    : "Post update"}
            </Button>
          </div>
        </Form>
        <PublicPreview
          title={incident.title}
          state={state}
          severity={incident.severity}
          updates={[
            { id: 0, state, message: message === "" ? "(your update)" : message, created_at: now.toISOString() },
            ...incident.updates.slice(0, 2),
          ]}
          components={components}
          affected={ids}
          states={states}
          otherIncidents={otherIncidents}
        />
      </div>
    </>
  );
}
