import type { ReactElement } from "react";
import { Link } from "wouter";

import type { Component } from "../../../lib/api/types";
import { Button } from "../../../lib/ui/Button";
import { ErrorNotice } from "../../../lib/ui/ErrorNotice";
import { Moment } from "../../../lib/ui/Moment";
import { useDesk } from "../context";
import { changeRows, rowsOf, useList, useWhole, useWrite } from "../data";
import { Answer } from "../parts/Answer";
import { Badge } from "../parts/Badge";
import { ButtonLink } from "../parts/ButtonLink";
import { Head } from "../parts/Head";
import { More } from "../parts/More";
import styles from "../parts/parts.module.css";
import { consolePaths } from "../paths";
import type { Monitor } from "../types";
import { interval, monitorWords } from "../words";

const TONES = { up: "operational", down: "major_outage", unknown: "" } as const;

export function MonitorBadge({ monitor: { enabled, state } }: { monitor: Monitor }): ReactElement {
  return <Badge tone={enabled ? TONES[state] : ""}>{enabled ? monitorWords[state] : "Paused"}</Badge>;
}

export function MonitorsPage(): ReactElement {
  const { may } = useDesk();
  const list = useList<Monitor>("/monitors/");
  const components = useWhole<readonly Component[]>("/components/");
  return (
    <>
      <Head
        title="Monitors"
        documentTitle="Monitors"
        actions={
          may("editor") && (
            <ButtonLink href={consolePaths.newMonitor} primary>
              Add a monitor
            </ButtonLink>
          )
        }
      >
        Each asks an address and opens an incident when it fails.
      </Head>
      <Answer query={list} what="the monitors">
        {(data) => {
          const monitors = rowsOf(data);
          return (
            <>
              {monitors.length === 0 ? (
                <p className={styles.empty}>Nothing is watched yet.</p>
              ) : (
                <ul className={styles.rows}>
                  {monitors.map((monitor) => (
                    <Row
                      key={monitor.id}
                      monitor={monitor}
                      component={components.data?.find(({ id }) => id === monitor.component)?.name}
                    />
                  ))}
                </ul>
              )}
              <More list={list} shown={monitors.length} />
            </>
          );
        }}
      </Answer>
    </>
  );
}

function Row({ monitor, component }: { monitor: Monitor; component: string | undefined }): ReactElement {
  const { may, announce } = useDesk();
  const { id, name, url, enabled, interval_seconds, last_check_at, incident } = monitor;
  const pause = useWrite<Monitor>({
    optimistic: (client, { body }) => {
      changeRows<Monitor>(client, "/monitors/", (one) =>
        one.id === id ? { ...one, enabled: (body as { enabled: boolean }).enabled } : one,
      );
    },
    onSuccess: (saved) => {
      announce(`${saved.name} ${saved.enabled ? "looks again" : "is paused"}.`);
    },
  });
  return (
    <li className={styles.row}>
      <div className={styles.rowMain}>
        <p className={styles.rowTitle}>
          <Link href={consolePaths.monitor(id)}>{name}</Link>
        </p>
        <p className={styles.facts}>
          <span className={styles.code}>{url}</span>
        </p>
        <p className={styles.facts}>
          <span>Every {interval(interval_seconds)}</span>
          <span>{last_check_at === null ? "Not looked yet" : <>Looked <Moment at={last_check_at} /></>}</span>
          {component !== undefined && <span>{component}</span>}
          {incident !== null && <Link href={consolePaths.incident(incident)}>Its incident</Link>}
        </p>
      </div>
      <div className={styles.actions}>
        <MonitorBadge monitor={monitor} />
        {may("editor") && (
          <Button
            busy={pause.isPending}
            onClick={() => {
              pause.mutate({ method: "PATCH", path: `/monitors/${id}/`, body: { enabled: !enabled } });
            }}
          >
            {enabled ? "Pause" : "Resume"} <span className="visually-hidden">{name}</span>
          </Button>
        )}
      </div>
      {pause.isError && (
        <div className={styles.wide}>
          <ErrorNotice error={pause.error} />
        </div>
      )}
    </li>
  );
}
