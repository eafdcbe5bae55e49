import { useState, type ReactElement } from "react";

import type { Version } from "../../../lib/api/client";
import { ApiError } from "../../../lib/api/errors";
import type { Maintenance } from "../../../lib/api/types";
import { useSummary } from "../../../lib/queries";
import { duration, exactly } from "../../../lib/time";
import { Button } from "../../../lib/ui/Button";
import card from "../../../lib/ui/Card.module.css";
import { useDesk } from "../context";
import { useOne, useWrite } from "../data";
import { Answer } from "../parts/Answer";
import { Badge } from "../parts/Badge";
import { Confirm } from "../parts/Confirm";
import { Conflict } from "../parts/Conflict";
import { Head } from "../parts/Head";
import styles from "../parts/parts.module.css";
import type { MaintenanceDraft } from "../types";
import { maintenanceWords } from "../words";
import { MaintenanceForm } from "./MaintenanceForm";

export function MaintenancePage({ id }: { id: number }): ReactElement {
  const path = `/maintenance/${id}/`;
  const one = useOne<Maintenance>(path);
  if (one.data === undefined && one.error instanceof ApiError && one.error.kind === "missing") {
    return <Head title="There is no such maintenance" documentTitle="Not found" />;
  }
  return (
    <Answer query={one} what="the maintenance">
      {(version) => <Shown version={version} />}
    </Answer>
  );
}

function Shown({ version }: { version: Version<Maintenance> }): ReactElement {
  const { may, announce } = useDesk();
  const { data: maintenance } = version;
  const { id, title, state, starts_at, ends_at, components, message } = maintenance;
  const path = `/maintenance/${id}/`;
  const [editing, setEditing] = useState<Version<Maintenance> | null>(null);
  const moved = (after: Maintenance): void => {
    announce(`${after.title}: ${maintenanceWords[after.state].toLowerCase()}.`);
  };
  const start = useWrite<Maintenance>({ onSuccess: moved });
  const complete = useWrite<Maintenance>({ onSuccess: moved });
  const cancel = useWrite<Maintenance>({ onSuccess: moved });
  const live = state === "scheduled" || state === "in_progress";
  const affected = components.map(({ name }) => name).join(", ");
  return (
    <>
      <Head title={title} documentTitle={title}>
        <p className={styles.facts}>
          <Badge tone={state === "cancelled" ? "" : "maintenance"}>{maintenanceWords[state]}</Badge>
          <span>
            {exactly(new Date(starts_at))} to {exactly(new Date(ends_at))}
          </span>
          <span>{duration(new Date(starts_at), new Date(ends_at))}</span>
          <span>{affected === "" ? "No component" : affected}</span>
        </p>
      </Head>
      {editing !== null ? (
        <Edit
          version={editing}
          close={() => {
            setEditing(null);
          }}
        />
      ) : (
        <>
          <div className={`${card.card} ${styles.form}`}>
            <p className={styles.text}>{message}</p>
          </div>
          {live && may("editor") && (
            <div className={`${styles.actions} ${styles.section}`}>
              {state === "scheduled" ? (
                <Confirm
                  gentle
                  label="Begin now"
                  of={title}
                  question={`Begin “${title}” now?`}
                  consequence={`${affected === "" ? "No component changes" : `${affected}: in maintenance`}, and subscribers are told.`}
                  confirm="Begin"
                  keep="Leave it to the clock"
                  busy={start.isPending}
                  error={start.error}
                  run={(done) => {
                    start.mutate({ method: "POST", path: `${path}start/` }, { onSuccess: done });
                  }}
                />
              ) : (
                <Confirm
                  gentle
                  label="Complete now"
                  of={title}
                  question={`Is “${title}” done?`}
                  consequence="Its components are back in operation, and subscribers are told."
                  confirm="Complete"
                  keep="Not yet"
                  busy={complete.isPending}
                  error={complete.error}
                  run={(done) => {
                    complete.mutate({ method: "POST", path: `${path}complete/` }, { onSuccess: done });
                  }}
                />
              )}
              <Button
                onClick={() => {
                  setEditing(version);
                }}
              >
                Change it
              </Button>
              <Confirm
                label="Cancel it"
                of={title}
                question={`Cancel “${title}”?`}
                consequence="It stays readable as cancelled, and subscribers are told. This cannot be undone."
                confirm="Cancel the maintenance"
                busy={cancel.isPending}
                error={cancel.error}
                run={(done) => {
                  cancel.mutate({ method: "DELETE", path }, { onSuccess: done });
                }}
              />
            </div>
          )}
        </>
      )}
    </>
  );
}

function Edit({ version, close }: { version: Version<Maintenance>; close: () => void }): ReactElement {
  const { announce } = useDesk();
  const summary = useSummary();
  const [base, setBase] = useState(version);
  const [draft, setDraft] = useState<MaintenanceDraft | null>(null);
  const save = useWrite<Maintenance>({
    onSuccess: () => {
      announce("Saved.");
      close();
    },
  });
  const conflict = save.error instanceof ApiError && save.error.kind === "changed" ? save.error : null;
  const theirs = conflict?.problem?.current as Maintenance | undefined;

  const send = (wanted: MaintenanceDraft, etag: string | null): void => {
    const before = base.data;
    const ids = before.components.map(({ id }) => id);
    const moment = (text: string): number => new Date(text).getTime();
    // Seconds are not on the form, and what has not been changed there is not sent.
    const later = (one: string, other: string): boolean => Math.abs(moment(one) - moment(other)) >= 60_000;
    const chosen = wanted.components ?? [];
    const change: Partial<MaintenanceDraft> = {
      ...(wanted.title === before.title ? {} : { title: wanted.title }),
      ...(wanted.message === before.message ? {} : { message: wanted.message }),
      ...(later(wanted.starts_at, before.starts_at) ? { starts_at: wanted.starts_at } : {}),
      ...(later(wanted.ends_at, before.ends_at) ? { ends_at: wanted.ends_at } : {}),
      ...(chosen.length === ids.length && chosen.every((one) => ids.includes(one)) ? {} : { components: chosen }),
    };
    setDraft(wanted);
    save.mutate({ method: "PATCH", path: `/maintenance/${before.id}/`, body: change, ifMatch: etag });
  };

  return (
    <>
      {conflict !== null && theirs !== undefined && draft !== null && (
        <Conflict
          differences={[
            { name: "State", mine: maintenanceWords[base.data.state], theirs: maintenanceWords[theirs.state] },
            { name: "Title", mine: draft.title, theirs: theirs.title },
            { name: "Message", mine: draft.message, theirs: theirs.message },
            {
              name: "Begins",
              mine: exactly(new Date(draft.starts_at)),
              theirs: exactly(new Date(theirs.starts_at)),
            },
            { name: "Ends", mine: exactly(new Date(draft.ends_at)), theirs: exactly(new Date(theirs.ends_at)) },
          ].filter(({ mine, theirs: other }) => mine !== other)}
          mineLabel="Save mine over it"
          theirsLabel="Take theirs"
          busy={save.isPending}
          keepMine={() => {
            send(draft, conflict.etag);
          }}
          takeTheirs={() => {
            setBase({ data: theirs, etag: conflict.etag });
            save.reset();
          }}
        >
          Only what you have changed would be written over what is saved now.
        </Conflict>
      )}
      <MaintenanceForm
        key={base.etag}
        label="Change the maintenance"
        submitLabel="Save"
        components={summary.data?.components ?? []}
        before={base.data}
        error={save.error}
        busy={save.isPending}
        save={(wanted) => {
          send(wanted, base.etag);
        }}
        leave={close}
      />
    </>
  );
}
