import { lazy, Suspense, useId, useState, type ReactElement } from "react";

import type { Component, ComponentGroup, UptimeReport } from "../../../lib/api/types";
import { StateMark } from "../../../lib/status/StateMark";
import { componentStateWords } from "../../../lib/status/words";
import card from "../../../lib/ui/Card.module.css";
import { Loading } from "../../../lib/ui/Loading";
import { Moment } from "../../../lib/ui/Moment";
import { percent } from "../uptime";
import styles from "./ComponentList.module.css";
import { UptimeBars } from "./UptimeBars";

const Latency = lazy(async () => ({ default: (await import("./Latency")).Latency }));

interface Props {
  groups: readonly ComponentGroup[];
  components: readonly Component[];
  uptime: UptimeReport | undefined;
  uptimeFailed: boolean;
}

export function ComponentList({ groups, components, uptime, uptimeFailed }: Props): ReactElement {
  const heading = useId();
  const parts = [null, ...groups]
    .map((group) => ({ group, members: components.filter((component) => component.group === (group?.id ?? null)) }))
    .filter(({ members }) => members.length > 0);
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading} className={card.heading}>
        Components
      </h2>
      {components.length === 0 && <p className={styles.empty}>No components are listed yet.</p>}
      {uptimeFailed && <p className={styles.empty}>The uptime of the last 90 days cannot be shown right now.</p>}
      {parts.map(({ group, members }) => (
        <div key={group?.id ?? 0} className={`${card.card} ${styles.group}`}>
          {group && <h3 className={styles.groupName}>{group.name}</h3>}
          <ul>
            {members.map((component) => (
              <Row key={component.id} component={component} uptime={uptime} />
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}

function Row({ component, uptime }: { component: Component; uptime: UptimeReport | undefined }): ReactElement {
  const { id, name, description, state } = component;
  const watched = uptime?.components.find((candidate) => candidate.component === id);
  const [open, setOpen] = useState(false);
  const chart = useId();
  return (
    <li data-state={state} className={styles.row}>
      <div className={styles.head}>
        <p className={styles.name}>{name}</p>
        <p className={styles.stateWords}>
          {componentStateWords[state]}
          <StateMark state={state} />
        </p>
        {description !== "" && <p className={styles.description}>{description}</p>}
        {state !== "operational" && (
          <p className={styles.since}>
            since <Moment at={component.state_changed_at} />
          </p>
        )}
      </div>
      {uptime && watched && (
        <>
          <UptimeBars name={name} firstDay={uptime.first_day} days={watched.days} />
          <div className={styles.legend}>
            <span>{watched.days.length} days ago</span>
            <span className={styles.middle}>
              {watched.uptime !== null && <span>{percent(watched.uptime)} uptime</span>}
              <button
                type="button"
                className={styles.toggle}
                aria-label={`Response time of ${name}`}
                aria-expanded={open}
                aria-controls={chart}
                onClick={() => {
                  setOpen(!open);
                }}
              >
                Response time
              </button>
            </span>
            <span>Today</span>
          </div>
          <div id={chart}>
            {open && (
              <Suspense fallback={<Loading />}>
                <Latency id={id} name={name} />
              </Suspense>
            )}
          </div>
        </>
      )}
    </li>
  );
}
