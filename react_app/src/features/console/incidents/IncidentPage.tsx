import type { ReactElement } from "react";
import { useState } from "react";
import { Link } from "wouter";

import { ApiError } from "../../../lib/api/errors";
import type { Incident } from "../../../lib/api/types";
import { paths } from "../../../lib/paths";
import { useSummary } from "../../../lib/queries";
import { IncidentBadge } from "../../../lib/status/StateMark";
import { Timeline } from "../../../lib/status/Timeline";
import { incidentStateWords } from "../../../lib/status/words";
import { duration } from "../../../lib/time";
import { Button } from "../../../lib/ui/Button";
import card from "../../../lib/ui/Card.module.css";
import { ExactMoment } from "../../../lib/ui/Moment";
import { useDesk } from "../context";
import { useOne } from "../data";
import { Answer } from "../parts/Answer";
import { Head } from "../parts/Head";
import styles from "../parts/parts.module.css";
import { severityWords } from "../words";
import { EditIncident } from "./EditIncident";
import { PostUpdate } from "./PostUpdate";

export function IncidentPage({ id }: { id: number }): ReactElement {
  const { may } = useDesk();
  const one = useOne<Incident>(`/incidents/${id}/`);
  const summary = useSummary();
  const [editing, setEditing] = useState(false);
  if (one.data === undefined && one.error instanceof ApiError && one.error.kind === "missing") {
    return <Head title="There is no such incident" documentTitle="Not found" />;
  }
  return (
    <Answer query={one} what="the incident">
      {(version) => {
        const incident = version.data;
        const components = summary.data?.components ?? [];
        return (
          <>
            <Head
              title={incident.title}
              documentTitle={incident.title}
              actions={
                may("editor") &&
                !editing && (
                  <Button
                    onClick={() => {
                      setEditing(true);
                    }}
                  >
                    Correct it
                  </Button>
                )
              }
            >
              <p className={styles.facts}>
                <IncidentBadge state={incident.state}>{incidentStateWords[incident.state]}</IncidentBadge>
                <span>{severityWords[incident.severity]}</span>
                <span>
                  Began <ExactMoment at={incident.started_at} />
                </span>
                {incident.resolved_at !== null && (
                  <span>Lasted {duration(new Date(incident.started_at), new Date(incident.resolved_at))}</span>
                )}
                <span>
                  {incident.components.length === 0
                    ? "Affects no component"
                    : `Affects ${incident.components.map(({ name }) => name).join(", ")}`}
                </span>
                <Link href={paths.incident(id)}>As everybody sees it</Link>
              </p>
            </Head>
            {editing ? (
              <EditIncident
                version={version}
                components={components}
                close={() => {
                  setEditing(false);
                }}
              />
            ) : may("editor") ? (
              <PostUpdate
                version={version}
                components={components}
                otherIncidents={(summary.data?.open_incidents ?? []).filter((other) => other.id !== id).length}
              />
            ) : null}
            <h2 className={styles.heading}>What was said</h2>
            <div className={`${card.card} ${styles.form}`}>
              <Timeline updates={incident.updates} />
            </div>
          </>
        );
      }}
    </Answer>
  );
}
