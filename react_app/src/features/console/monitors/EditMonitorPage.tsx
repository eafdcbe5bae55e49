import { useState, type ReactElement, type ReactNode } from "react";
import { useLocation } from "wouter";

import { ApiError, fieldErrors } from "../../../lib/api/errors";
import type { Component, IncidentSeverity } from "../../../lib/api/types";
import { Button } from "../../../lib/ui/Button";
import { Field } from "../../../lib/ui/Field";
import { useDesk } from "../context";
import { useOne, useWhole, useWrite } from "../data";
import { Answer } from "../parts/Answer";
import { ButtonLink } from "../parts/ButtonLink";
import { Choice, optionsOf } from "../parts/Choice";
import { Conflict } from "../parts/Conflict";
import { Form } from "../parts/Form";
import { Head } from "../parts/Head";
import styles from "../parts/parts.module.css";
import { useUnsaved } from "../parts/useUnsaved";
import { consolePaths } from "../paths";
import type { Monitor, MonitorDraft } from "../types";
import { SEVERITIES, severityWords } from "../words";

export function NewMonitorPage(): ReactElement {
  return (
    <>
      <Head title="Add a monitor" documentTitle="Add a monitor">
        It looks for the first time at once.
      </Head>
      <MonitorForm before={null} />
    </>
  );
}

export function EditMonitorPage({ id }: { id: number }): ReactElement {
  const one = useOne<Monitor>(`/monitors/${id}/`);
  if (one.data === undefined && one.error instanceof ApiError && one.error.kind === "missing") {
    return <Head title="There is no such monitor" documentTitle="Not found" />;
  }
  return (
    <Answer query={one} what="the monitor">
      {({ data }) => (
        <>
          <Head title={`Change ${data.name}`} documentTitle={`Change ${data.name}`} />
          <MonitorForm before={data} />
        </>
      )}
    </Answer>
  );
}

const LABELS: Record<keyof MonitorDraft, string> = {
  name: "Name",
  url: "Address",
  component: "Component",
  method: "Method",
  interval_seconds: "Looks every (seconds)",
  timeout_seconds: "Waits for an answer (seconds)",
  expected_status: "Expected status",
  expected_body: "Expected text in the body",
  failure_threshold: "Failures in a row that open an incident",
  success_threshold: "Successes in a row that close it",
  severity: "Severity of the incident",
  enabled: "Enabled",
};
const FIELDS = Object.keys(LABELS) as (keyof MonitorDraft)[];

type Draft = Required<MonitorDraft>;

const NEW: Draft = {
  name: "",
  url: "https://",
  component: null,
  method: "GET",
  interval_seconds: 60,
  timeout_seconds: 10,
  expected_status: "200-299",
  expected_body: "",
  failure_threshold: 3,
  success_threshold: 2,
  severity: "major",
  enabled: true,
};

function draftOf(monitor: Monitor): Draft {
  return Object.fromEntries(FIELDS.map((field) => [field, monitor[field]])) as unknown as Draft;
}

function MonitorForm({ before }: { before: Monitor | null }): ReactElement {
  const { announce } = useDesk();
  const [, navigate] = useLocation();
  const components = useWhole<readonly Component[]>("/components/");
  /** What was on the screen when this began. */
  const [base, setBase] = useState<Draft>(before === null ? NEW : draftOf(before));
  const [draft, setDraft] = useState(base);
  const [theirs, setTheirs] = useState<Draft | null>(null);
  const save = useWrite<Monitor>({
    onSuccess: ({ id, name }) => {
      announce(`Saved: ${name}.`);
      navigate(consolePaths.monitor(id));
    },
  });
  const set = <K extends keyof Draft>(field: K, value: Draft[K]): void => {
    setDraft((now) => ({ ...now, [field]: value }));
  };
  const changed = FIELDS.filter((field) => draft[field] !== base[field]);
  useUnsaved(changed.length > 0 && !save.isSuccess);
  const error = (field: keyof Draft): string | undefined => fieldErrors(save.error, field);
  const show = (field: keyof Draft, { [field]: value }: Draft): ReactNode =>
    field === "component"
      ? (components.data?.find(({ id }) => id === value)?.name ?? "None")
      : field === "severity"
        ? severityWords[value as IncidentSeverity]
        : String(value);

  const send = (): void => {
    if (before === null) {
      save.mutate({ method: "POST", path: "/monitors/", body: draft });
      return;
    }
    // A monitor changes by itself with every look, so that an entity tag would always be an old one: what others have
    // set meanwhile is seen here, and only what was changed here is sent.
    const now = draftOf(before);
    if (theirs === null && changed.some((field) => now[field] !== base[field])) {
      setTheirs(now);
      return;
    }
    setTheirs(null);
    const change = Object.fromEntries(changed.map((field) => [field, draft[field]]));
    save.mutate({ method: "PATCH", path: `/monitors/${before.id}/`, body: change });
  };

  const text = (field: "name" | "url" | "expected_status" | "expected_body", required: boolean, maximum: number, hint?: string): ReactElement => (
    <Field label={LABELS[field]} hint={hint} error={error(field)}>
      {(control) => (
        <input
          {...control}
          type={field === "url" ? "url" : "text"}
          required={required}
          maxLength={maximum}
          spellCheck={field === "url" ? false : undefined}
          value={draft[field]}
          onChange={(event) => {
            set(field, event.target.value);
          }}
        />
      )}
    </Field>
  );
  const number = (
    field: "interval_seconds" | "timeout_seconds" | "failure_threshold" | "success_threshold",
    minimum: number,
    maximum: number,
  ): ReactElement => (
    <Field label={LABELS[field]} hint={`${minimum} to ${maximum}`} error={error(field)}>
      {(control) => (
        <input
          {...control}
          type="number"
          inputMode="numeric"
          required
          min={minimum}
          max={maximum}
          value={Number.isNaN(draft[field]) ? "" : draft[field]}
          onChange={(event) => {
            set(field, event.target.valueAsNumber);
          }}
        />
      )}
    </Field>
  );

  return (
    <>
      {theirs !== null && (
        <Conflict
          differences={FIELDS.filter((field) => theirs[field] !== draft[field]).map((field) => ({
            name: LABELS[field],
            mine: show(field, draft),
            theirs: show(field, theirs),
          }))}
          mineLabel="Save mine over it"
          theirsLabel="Take theirs"
          busy={save.isPending}
          keepMine={send}
          takeTheirs={() => {
            setBase(theirs);
            setDraft(theirs);
            setTheirs(null);
          }}
        >
          Only what you have changed would be written over what is saved now.
        </Conflict>
      )}
      <Form
        label={before === null ? "Add a monitor" : `Change ${before.name}`}
        error={save.error}
        busy={save.isPending}
        fields={FIELDS}
        submit={send}
      >
        {text("name", true, 80)}
        {text("url", true, 2000, "On the public internet. Redirects are followed.")}
        <div className={styles.pair}>
          <Choice
            label={LABELS.method}
            error={error("method")}
            value={draft.method}
            options={[["GET", "GET"] as const, ["HEAD", "HEAD: without the body"] as const]}
            change={(method) => {
              set("method", method);
            }}
          />
          <Choice
            label={LABELS.component}
            hint="Its state follows the incident."
            error={error("component")}
            value={draft.component === null ? "" : String(draft.component)}
            options={[["", "None"] as const, ...(components.data ?? []).map(({ id, name }) => [String(id), name] as const)]}
            change={(chosen) => {
              set("component", chosen === "" ? null : Number(chosen));
            }}
          />
          {number("interval_seconds", 30, 3600)}
          {number("timeout_seconds", 1, 30)}
          {text("expected_status", true, 100, "For example 200-299,301.")}
          {text("expected_body", false, 200, "May be empty.")}
          {number("failure_threshold", 1, 20)}
          {number("success_threshold", 1, 20)}
          <Choice
            label={LABELS.severity}
            error={error("severity")}
            value={draft.severity}
            options={optionsOf(SEVERITIES, severityWords)}
            change={(severity) => {
              set("severity", severity);
            }}
          />
        </div>
        <div className={styles.actions}>
          <Button type="submit" kind="primary" busy={save.isPending}>
            {save.isPending ? "Saving…" : "Save"}
          </Button>
          <ButtonLink href={before === null ? consolePaths.monitors : consolePaths.monitor(before.id)}>Leave it</ButtonLink>
        </div>
      </Form>
    </>
  );
}
