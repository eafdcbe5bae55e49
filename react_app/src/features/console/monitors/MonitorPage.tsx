import { useEffect, useState, type ReactElement } from "react";
import { Link, useLocation } from "wouter";

import { ApiError } from "../../../lib/api/errors";
import type { Component, LatencyPoint } from "../../../lib/api/types";
import { Button } from "../../../lib/ui/Button";
import { ErrorNotice } from "../../../lib/ui/ErrorNotice";
import { ExactMoment, Moment } from "../../../lib/ui/Moment";
import { useDesk } from "../context";
import { rowsOf, useList, useOne, useWhole, useWrite } from "../data";
import { Answer } from "../parts/Answer";
import { Badge } from "../parts/Badge";
import { ButtonLink } from "../parts/ButtonLink";
import { Choice } from "../parts/Choice";
import { Confirm } from "../parts/Confirm";
import { Head } from "../parts/Head";
import { More } from "../parts/More";
import styles from "../parts/parts.module.css";
import { consolePaths } from "../paths";
import type { Check, Monitor } from "../types";
import { interval, severityWords } from "../words";
import { Latency } from "./Latency";
import { MonitorBadge } from "./MonitorsPage";

const RANGES = [
  ["checks", "The checks below"],
  ["day", "A day, by the hour"],
  ["week", "A week, by the hour"],
  ["quarter", "90 days"],
] as const;

/** How often the checks are asked for while one that a person wanted is under way. */
const EAGER_MILLISECONDS = 1_500;
const EAGER_TIMES = 20;

export function MonitorPage({ id }: { id: number }): ReactElement {
  const one = useOne<Monitor>(`/monitors/${id}/`);
  if (one.data === undefined && one.error instanceof ApiError && one.error.kind === "missing") {
    return <Head title="There is no such monitor" documentTitle="Not found" />;
  }
  return (
    <Answer query={one} what="the monitor">
      {({ data }) => <Shown monitor={data} />}
    </Answer>
  );
}

function Shown({ monitor }: { monitor: Monitor }): ReactElement {
  const { may, announce } = useDesk();
  const [, navigate] = useLocation();
  const { id, name } = monitor;
  const path = `/monitors/${id}/`;
  const components = useWhole<readonly Component[]>("/components/");
  const pause = useWrite<Monitor>({
    onSuccess: (saved) => {
      announce(`${saved.name} ${saved.enabled ? "looks again" : "is paused"}.`);
    },
  });
  const remove = useWrite({
    onSuccess: () => {
      announce("The monitor is gone.");
      navigate(consolePaths.monitors);
    },
  });
  const component = components.data?.find((one) => one.id === monitor.component);
  return (
    <>
      <Head
        title={name}
        documentTitle={name}
        actions={
          may("editor") && (
            <>
              <ButtonLink href={consolePaths.editMonitor(id)}>Change it</ButtonLink>
              <Button
                busy={pause.isPending}
                onClick={() => {
                  pause.mutate({ method: "PATCH", path, body: { enabled: !monitor.enabled } });
                }}
              >
                {monitor.enabled ? "Pause" : "Resume"}
              </Button>
              <Confirm
                label="Delete"
                of={`the monitor ${name}`}
                question={`Delete “${name}” and its series?`}
                consequence="Uptime and latency that only it has measured are gone. An incident that it opened stays, for people to close."
                confirm="Delete the monitor"
                busy={remove.isPending}
                error={remove.error}
                run={() => {
                  remove.mutate({ method: "DELETE", path });
                }}
              />
            </>
          )
        }
      >
        <p className={styles.facts}>
          <MonitorBadge monitor={monitor} />
          <span className={styles.code}>
            {monitor.method} {monitor.url}
          </span>
        </p>
        <p className={styles.facts}>
          <span>Every {interval(monitor.interval_seconds)}</span>
          <span>waits {interval(monitor.timeout_seconds)}</span>
          <span>
            expects {monitor.expected_status}
            {monitor.expected_body !== "" && ` and “${monitor.expected_body}”`}
          </span>
          <span>
            {severityWords[monitor.severity]} incident after {monitor.failure_threshold} failures, closed
            after {monitor.success_threshold} successes
          </span>
          {component && <span>watches {component.name}</span>}
          {monitor.incident !== null && <Link href={consolePaths.incident(monitor.incident)}>Its incident</Link>}
        </p>
      </Head>
      {pause.isError && <ErrorNotice error={pause.error} />}
      <Checks monitor={monitor} />
    </>
  );
}

function Checks({ monitor }: { monitor: Monitor }): ReactElement {
  const { may, announce } = useDesk();
  const list = useList<Check>(`/monitors/${monitor.id}/checks/?limit=50`);
  const [range, setRange] = useState<(typeof RANGES)[number][0]>("checks");
  /** A look that was asked for, and how often it has been looked for since. */
  const [awaited, setAwaited] = useState<{ from: number; tries: number } | null>(null);
  const look = useWrite<{ scheduled_for: string }>();
  const { refetch } = list;
  const newest = rowsOf(list.data)[0]?.id ?? 0;
  const late = awaited !== null && awaited.tries >= EAGER_TIMES;
  useEffect(() => {
    if (awaited === null || late) return undefined;
    const timer = setTimeout(() => {
      void refetch().then(({ data }) => {
        const seen = rowsOf(data)[0];
        if (seen !== undefined && seen.id > awaited.from) {
          announce(`It looked: ${seen.up ? "up." : `down. ${seen.detail}`}`);
          setAwaited(null);
        } else setAwaited({ ...awaited, tries: awaited.tries + 1 });
      });
    }, EAGER_MILLISECONDS);
    return () => {
      clearTimeout(timer);
    };
  }, [awaited, late, refetch, announce]);

  return (
    <>
      {may("editor") && (
        <div className={styles.actions}>
          <Button
            kind="primary"
            busy={look.isPending || (awaited !== null && !late)}
            onClick={() => {
              look.mutate(
                { method: "POST", path: `/monitors/${monitor.id}/check/` },
                {
                  onSuccess: () => {
                    setAwaited({ from: newest, tries: 0 });
                  },
                },
              );
            }}
          >
            {awaited !== null && !late ? "Looking…" : "Check now"}
          </Button>
          <p role="status" className={styles.muted}>
            {late && "No worker has looked yet. The check is queued, and shows below once it was made."}
          </p>
        </div>
      )}
      {look.isError && <ErrorNotice error={look.error} />}
      <h2 className={styles.heading}>Latency</h2>
      <div className={styles.filters}>
        <Choice label="Time" value={range} options={RANGES} change={setRange} />
      </div>
      <Answer query={list} what="the checks">
        {(data) => {
          const checks = rowsOf(data);
          return (
            <>
              {range === "checks" ? (
                <Latency
                  points={[...checks].reverse().map(({ checked_at, latency_ms, up }) => ({ at: checked_at, value: latency_ms, up }))}
                />
              ) : monitor.component === null ? (
                <p className={styles.empty}>Longer series are kept by component, and this monitor watches none.</p>
              ) : (
                <Series component={monitor.component} range={range} />
              )}
              <h2 className={styles.heading}>What it saw</h2>
              {checks.length === 0 ? (
                <p className={styles.empty}>It has not looked yet.</p>
              ) : (
                <ul className={styles.rows}>
                  {checks.map(({ id, checked_at, up, status_code, latency_ms, detail }) => (
                    <li key={id} className={styles.row}>
                      <div className={styles.rowMain}>
                        <p className={styles.facts}>
                          <ExactMoment at={checked_at} />
                          <Moment at={checked_at} />
                          {status_code !== null && <span>Status {status_code}</span>}
                          {latency_ms !== null && <span>{latency_ms} ms</span>}
                        </p>
                        {detail !== "" && <p>{detail}</p>}
                      </div>
                      <Badge tone={up ? "operational" : "major_outage"}>{up ? "Up" : "Down"}</Badge>
                    </li>
                  ))}
                </ul>
              )}
              <More list={list} shown={checks.length} />
            </>
          );
        }}
      </Answer>
    </>
  );
}

function Series({ component, range }: { component: number; range: "day" | "week" | "quarter" }): ReactElement {
  const series = useWhole<readonly LatencyPoint[]>(`/components/${component}/latency/?range=${range}`);
  return (
    <Answer query={series} what="the latency">
      {(points) => <Latency points={points.map(({ at, p95_ms }) => ({ at, value: p95_ms, up: true }))} p95 />}
    </Answer>
  );
}

