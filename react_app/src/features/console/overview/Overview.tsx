import type { ReactElement } from "react";
import { Link } from "wouter";

import { useSummary } from "../../../lib/queries";
import { IncidentBadge, StateMark } from "../../../lib/status/StateMark";
import { componentStateWords, headline, incidentStateWords, overview } from "../../../lib/status/words";
import { clock, exactly } from "../../../lib/time";
import { Moment } from "../../../lib/ui/Moment";
import { Notice } from "../../../lib/ui/Notice";
import { useDesk } from "../context";
import { rowsOf, useList } from "../data";
import { Answer } from "../parts/Answer";
import { Badge } from "../parts/Badge";
import { ButtonLink } from "../parts/ButtonLink";
import { Head } from "../parts/Head";
import styles from "../parts/parts.module.css";
import { StateForm } from "../parts/StateForm";
import { consolePaths } from "../paths";
import type { Monitor } from "../types";
import { maintenanceWords, severityWords } from "../words";

/** What needs somebody, first. */
export function Overview(): ReactElement {
  const { may } = useDesk();
  const summary = useSummary();
  const monitors = useList<Monitor>("/monitors/?limit=100");
  return (
    <>
      <Head
        title="Overview"
        documentTitle="Overview"
        actions={
          may("editor") && (
            <>
              <ButtonLink href={consolePaths.newIncident} primary>
                Open an incident
              </ButtonLink>
              <ButtonLink href={consolePaths.newMaintenance}>Announce maintenance</ButtonLink>
            </>
          )
        }
      />
      <Answer query={summary} what="the state">
        {({ overall_state, open_incidents, components, maintenance, stale, as_of }) => {
          const wrong = components.filter(({ state }) => state !== "operational");
          return (
            <>
              {stale && (
                <Notice
                  title="The database does not answer."
                  advice={`What you see is the last known state${as_of === null ? "" : `, of ${exactly(new Date(as_of))}`}. Nothing can be saved until it is back.`}
                />
              )}
              <p className={styles.previewOverall}>
                <StateMark state={overview(overall_state, open_incidents.length)} large />
                <span>{headline(overall_state, open_incidents.length)}</span>
              </p>
              <section aria-labelledby="incidents">
                <h2 id="incidents" className={styles.heading}>
                  Open incidents
                </h2>
                {open_incidents.length === 0 ? (
                  <p className={styles.empty}>Nothing is open.</p>
                ) : (
                  <ul className={styles.rows}>
                    {open_incidents.map((incident) => (
                      <li key={incident.id} className={styles.row}>
                        <div className={styles.rowMain}>
                          <p className={styles.rowTitle}>
                            <Link href={consolePaths.incident(incident.id)}>{incident.title}</Link>
                          </p>
                          <p className={styles.facts}>
                            <span>{severityWords[incident.severity]}</span>
                            <span>
                              Began <Moment at={incident.started_at} />
                            </span>
                            {incident.updates[0] && (
                              <span>
                                Last said <Moment at={incident.updates[0].created_at} />
                              </span>
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
              </section>
              <section aria-labelledby="components">
                <h2 id="components" className={styles.heading}>
                  Components that are not operational
                </h2>
                {wrong.length === 0 ? (
                  <p className={styles.empty}>
                    {components.length === 0 ? "There is no component yet." : `All ${components.length} are operational.`}
                  </p>
                ) : (
                  <ul className={styles.rows}>
                    {wrong.map((component) => (
                      <li key={component.id} className={styles.row}>
                        <div className={styles.rowMain}>
                          <p className={styles.rowTitle}>{component.name}</p>
                          <p className={styles.facts}>
                            <span>
                              Since <Moment at={component.state_changed_at} />
                            </span>
                          </p>
                        </div>
                        {may("editor") ? <StateForm component={component} /> : <Badge tone={component.state}>{componentStateWords[component.state]}</Badge>}
                      </li>
                    ))}
                  </ul>
                )}
              </section>
              <FailingMonitors monitors={monitors} />
              {maintenance.length > 0 && (
                <section aria-labelledby="maintenance">
                  <h2 id="maintenance" className={styles.heading}>
                    Maintenance
                  </h2>
                  <ul className={styles.rows}>
                    {maintenance.map(({ id, title, state, starts_at, ends_at }) => (
                      <li key={id} className={styles.row}>
                        <div className={styles.rowMain}>
                          <p className={styles.rowTitle}>
                            <Link href={consolePaths.oneMaintenance(id)}>{title}</Link>
                          </p>
                          <p className={styles.facts}>
                            {exactly(new Date(starts_at))} to {clock(new Date(ends_at))}
                          </p>
                        </div>
                        <Badge tone="maintenance">{maintenanceWords[state]}</Badge>
                      </li>
                    ))}
                  </ul>
                </section>
              )}
            </>
          );
        }}
      </Answer>
    </>
  );
}

function FailingMonitors({ monitors }: { monitors: ReturnType<typeof useList<Monitor>> }): ReactElement {
  return (
    <section aria-labelledby="monitors">
      <h2 id="monitors" className={styles.heading}>
        Failing monitors
      </h2>
      <Answer query={monitors} what="the monitors">
        {(data) => {
          const rows = rowsOf(data);
          const down = rows.filter(({ state, enabled }) => state === "down" && enabled);
          const paused = rows.filter(({ enabled }) => !enabled).length;
          return down.length === 0 ? (
            <p className={styles.empty}>
              {rows.length === 0 ? "Nothing is watched yet." : "None."}
              {paused > 0 && ` ${paused} ${paused === 1 ? "is" : "are"} paused.`}{" "}
              <Link href={consolePaths.monitors}>All monitors</Link>
            </p>
          ) : (
            <ul className={styles.rows}>
              {down.map(({ id, name, url, last_check_at }) => (
                <li key={id} className={styles.row}>
                  <div className={styles.rowMain}>
                    <p className={styles.rowTitle}>
                      <Link href={consolePaths.monitor(id)}>{name}</Link>
                    </p>
                    <p className={styles.facts}>
                      <span className={styles.code}>{url}</span>
                      {last_check_at !== null && (
                        <span>
                          Looked <Moment at={last_check_at} />
                        </span>
                      )}
                    </p>
                  </div>
                  <Badge tone="major_outage">Down</Badge>
                </li>
              ))}
            </ul>
          );
        }}
      </Answer>
    </section>
  );
}
