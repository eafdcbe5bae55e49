import { useState, type ReactElement } from "react";

import type { Version } from "../../../lib/api/client";
import { ApiError, fieldErrors } from "../../../lib/api/errors";
import type { Component, Incident } from "../../../lib/api/types";
import { Button } from "../../../lib/ui/Button";
import { Field } from "../../../lib/ui/Field";
import { useDesk } from "../context";
import { useWrite } from "../data";
import { Choice, optionsOf } from "../parts/Choice";
import { ComponentChoice } from "../parts/ComponentChoice";
import { Conflict, type Difference } from "../parts/Conflict";
import { Form } from "../parts/Form";
import styles from "../parts/parts.module.css";
import type { IncidentChange } from "../types";
import { SEVERITIES, severityWords } from "../words";

interface Props {
  version: Version<Incident>;
  components: readonly Component[];
  close: () => void;
}

const idsOf = (incident: Incident): readonly number[] => incident.components.map(({ id }) => id);
const same = (one: readonly number[], other: readonly number[]): boolean =>
  one.length === other.length && one.every((id) => other.includes(id));

/** Title, severity and components of an incident. What was said about it stays. */
export function EditIncident({ version, components, close }: Props): ReactElement {
  const { announce } = useDesk();
  /** What was on the screen when this began. */
  const [base, setBase] = useState(version);
  const [title, setTitle] = useState(version.data.title);
  const [severity, setSeverity] = useState(version.data.severity);
  const [affected, setAffected] = useState(idsOf(version.data));
  const save = useWrite<Incident>({
    onSuccess: () => {
      announce("Saved.");
      close();
    },
  });
  const conflict = save.error instanceof ApiError && save.error.kind === "changed" ? save.error : null;
  const theirs = conflict?.problem?.current as Incident | undefined;

  const send = (etag: string | null): void => {
    const before = base.data;
    const change: IncidentChange = {
      ...(title === before.title ? {} : { title }),
      ...(severity === before.severity ? {} : { severity }),
      ...(same(affected, idsOf(before)) ? {} : { components: [...affected] }),
    };
    save.mutate({ method: "PATCH", path: `/incidents/${before.id}/`, body: change, ifMatch: etag });
  };
  const names = (ids: readonly number[]): string =>
    components
      .filter(({ id }) => ids.includes(id))
      .map(({ name }) => name)
      .join(", ") || "None";

  const differences: Difference[] =
    theirs === undefined
      ? []
      : [
          ...(title === theirs.title ? [] : [{ name: "Title", mine: title, theirs: theirs.title }]),
          ...(severity === theirs.severity
            ? []
            : [{ name: "Severity", mine: severityWords[severity], theirs: severityWords[theirs.severity] }]),
          ...(same(affected, idsOf(theirs))
            ? []
            : [{ name: "Components", mine: names(affected), theirs: names(idsOf(theirs)) }]),
          ...(theirs.updates.length > base.data.updates.length
            ? [{ name: "Update", mine: "None", theirs: theirs.updates[0]?.message ?? "" }]
            : []),
        ];

  return (
    <>
      {conflict !== null && theirs !== undefined && (
        <Conflict
          differences={differences}
          mineLabel="Save mine over it"
          theirsLabel="Take theirs"
          busy={save.isPending}
          keepMine={() => {
            send(conflict.etag);
          }}
          takeTheirs={() => {
            setBase({ data: theirs, etag: conflict.etag });
            setTitle(theirs.title);
            setSeverity(theirs.severity);
            setAffected(idsOf(theirs));
            save.reset();
          }}
        >
          Only what you have changed would be written over what is saved now.
        </Conflict>
      )}
      <Form
        label="Correct the incident"
        error={save.error}
        busy={save.isPending}
        fields={["title", "severity", "components"]}
        submit={() => {
          send(base.etag);
        }}
      >
        <Field label="Title" error={fieldErrors(save.error, "title")}>
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
        <Choice
          label="Severity"
          error={fieldErrors(save.error, "severity")}
          value={severity}
          options={optionsOf(SEVERITIES, severityWords)}
          change={setSeverity}
        />
        <ComponentChoice
          legend="Affected components"
          hint="Their states stay as they are."
          components={components}
          chosen={affected}
          change={setAffected}
          error={fieldErrors(save.error, "components")}
        />
        <div className={styles.actions}>
          <Button type="submit" kind="primary" busy={save.isPending}>
            {save.isPending ? "Saving…" : "Save"}
          </Button>
          <Button onClick={close}>Leave it</Button>
        </div>
      </Form>
    </>
  );
}
