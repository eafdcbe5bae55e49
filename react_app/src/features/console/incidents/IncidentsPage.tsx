import { useState, type ReactElement } from "react";
import { Link } from "wouter";

import type { Component, Incident, IncidentSeverity } from "../../../lib/api/types";
import { IncidentBadge } from "../../../lib/status/StateMark";
import { incidentStateWords } from "../../../lib/status/words";
import { duration } from "../../../lib/time";
import { ExactMoment } from "../../../lib/ui/Moment";
import { useDesk } from "../context";
import { rowsOf, useList, useWhole } from "../data";
import { Answer } from "../parts/Answer";
import { ButtonLink } from "../parts/ButtonLink";
import { Choice, optionsOf } from "../parts/Choice";
import { Head } from "../parts/Head";
import { More } from "../parts/More";
import styles from "../parts/parts.module.css";
import { consolePaths } from "../paths";
import { SEVERITIES, severityWords } from "../words";

const SHOW = [
  ["open", "Open"],
  ["resolved", "Resolved"],
  ["all", "All"],
] as const;

export function IncidentsPage(): ReactElement {
  const { may } = useDesk();
  const [show, setShow] = useState<(typeof SHOW)[number][0]>("open");
  const [severity, setSeverity] = useState<IncidentSeverity | "">("");
  const [component, setComponent] = useState("");
  const components = useWhole<readonly Component[]>("/components/");
  const filter = [
    `show=${show}`,
    ...(severity === "" ? [] : [`severity=${severity}`]),
    ...(component === "" ? [] : [`component=${component}`]),
  ].join("&");
  const list = useList<Incident>(`/incidents/?${filter}`);
  return (
    <>
      <Head
        title="Incidents"
        documentTitle="Incidents"
        actions={
          may("editor") && (
            <ButtonLink href={consolePaths.newIncident} primary>
              Open an incident
            </ButtonLink>
          )
        }
      />
      <div role="group" aria-label="Filter" className={styles.filters}>
        <Choice label="Show" value={show} options={SHOW} change={setShow} />
        <Choice
          label="Severity"
          value={severity}
          options={[["", "Any"] as const, ...optionsOf(SEVERITIES, severityWords)]}
          change={setSeverity}
        />
        <Choice
          label="Component"
          value={component}
          options={[["", "Any"] as const, ...(components.data ?? []).map(({ id, name }) => [String(id), name] as const)]}
          change={setComponent}
        />
      </div>
      <Answer query={list} what="the incidents">
        {(data) => {
          const incidents = rowsOf(data);
          return (
            <>
              {incidents.length === 0 ? (
                <p className={styles.empty}>{filter === "show=open" ? "No incident is open." : "No incident fits."}</p>
              ) : (
                <ul className={styles.rows}>
                  {incidents.map((incident) => (
                    <li key={incident.id} className={styles.row}>
                      <div className={styles.rowMain}>
                        <p className={styles.rowTitle}>
                          <Link href={consolePaths.incident(incident.id)}>{incident.title}</Link>
                        </p>
                        <p className={styles.facts}>
                          <span>{severityWords[incident.severity]}</span>
                          <span>
                            <ExactMoment at={incident.started_at} />
                          </span>
                          {incident.resolved_at !== null && (
                            <span>Lasted {duration(new Date(incident.started_at), new Date(incident.resolved_at))}</span>
                          )}
                          {incident.components.length > 0 && (
                            <span>{incident.components.map(({ name }) => name).join(", ")}</span>
                          )}
                        </p>
                      </div>
                      <IncidentBadge state={incident.state}>{incidentStateWords[incident.state]}</IncidentBadge>
                    </li>
                  ))}
                </ul>
              )}
              <More list={list} shown={incidents.length} />
            </>
          );
        }}
      </Answer>
    </>
  );
}
