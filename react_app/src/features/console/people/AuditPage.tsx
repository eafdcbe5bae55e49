import { useState, type ReactElement } from "react";

import { ExactMoment } from "../../../lib/ui/Moment";
import { Button } from "../../../lib/ui/Button";
import { Field } from "../../../lib/ui/Field";
import { rowsOf, useList } from "../data";
import { Answer } from "../parts/Answer";
import { Head } from "../parts/Head";
import { More } from "../parts/More";
import styles from "../parts/parts.module.css";
import type { AuditEntry } from "../types";

const KINDS: Record<AuditEntry["actor_kind"], string> = { person: "", machine: "a machine", system: "by itself" };

export function AuditPage(): ReactElement {
  const [actor, setActor] = useState("");
  const [action, setAction] = useState("");
  const [wanted, setWanted] = useState("");
  const list = useList<AuditEntry>(`/audit/${wanted}`);
  return (
    <>
      <Head title="Audit trail" documentTitle="Audit trail">
        Who changed what, newest first.
      </Head>
      <form
        aria-label="Filter"
        className={styles.filters}
        onSubmit={(event) => {
          event.preventDefault();
          const query = new URLSearchParams({
            ...(actor.trim() === "" ? {} : { actor: actor.trim() }),
            ...(action.trim() === "" ? {} : { action: action.trim() }),
          }).toString();
          setWanted(query === "" ? "" : `?${query}`);
        }}
      >
        <Field label="Who" hint="The name of a person or token.">
          {(control) => (
            <input
              {...control}
              type="text"
              maxLength={150}
              autoCapitalize="none"
              value={actor}
              onChange={(event) => {
                setActor(event.target.value);
              }}
            />
          )}
        </Field>
        <Field label="Action" hint="For example incident.open.">
          {(control) => (
            <input
              {...control}
              type="text"
              maxLength={60}
              autoCapitalize="none"
              value={action}
              onChange={(event) => {
                setAction(event.target.value);
              }}
            />
          )}
        </Field>
        <div>
          <Button type="submit">Show</Button>
        </div>
      </form>
      <Answer query={list} what="the audit trail">
        {(data) => {
          const entries = rowsOf(data);
          return (
            <>
              {entries.length === 0 ? (
                <p className={styles.empty}>No entry fits.</p>
              ) : (
                <ul className={styles.rows}>
                  {entries.map((entry) => (
                    <li key={entry.id}>
                      <div className={styles.row}>
                        <p className={styles.rowMain}>
                          <span className={styles.rowTitle}>{entry.target_name}</span>{" "}
                          <span className={styles.code}>{entry.action}</span>
                        </p>
                        <p className={styles.facts}>
                          <span>
                            {entry.actor_name}
                            {KINDS[entry.actor_kind] !== "" && `, ${KINDS[entry.actor_kind]}`}
                          </span>
                          <ExactMoment at={entry.at} />
                        </p>
                      </div>
                      <Changes entry={entry} />
                    </li>
                  ))}
                </ul>
              )}
              <More list={list} shown={entries.length} />
            </>
          );
        }}
      </Answer>
    </>
  );
}

function Changes({ entry }: { entry: AuditEntry }): ReactElement | null {
  const changes = Object.entries(entry.changes);
  if (changes.length === 0) return null;
  return (
    <details>
      <summary className={styles.muted}>
        {changes.length} {changes.length === 1 ? "value" : "values"}: {changes.map(([name]) => name).join(", ")}
      </summary>
      <div className={styles.scroll}>
        <table className={styles.table}>
          <thead>
            <tr>
              <th scope="col">Value</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
            </tr>
          </thead>
          <tbody>
            {changes.map(([name, change]) => {
              const [before, after] = Array.isArray(change) ? (change as readonly unknown[]) : [null, change];
              return (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{words(before)}</td>
                  <td>{words(after)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function words(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}
