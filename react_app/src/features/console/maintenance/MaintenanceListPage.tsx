import { useState, type ReactElement } from "react";
import { Link } from "wouter";

import type { Maintenance } from "../../../lib/api/types";
import { duration, exactly } from "../../../lib/time";
import { useDesk } from "../context";
import { rowsOf, useList } from "../data";
import { Answer } from "../parts/Answer";
import { Badge } from "../parts/Badge";
import { ButtonLink } from "../parts/ButtonLink";
import { Choice } from "../parts/Choice";
import { Head } from "../parts/Head";
import { More } from "../parts/More";
import styles from "../parts/parts.module.css";
import { consolePaths } from "../paths";
import { maintenanceWords } from "../words";

const SHOW = [
  ["ahead", "Ahead and in progress"],
  ["past", "Over or cancelled"],
] as const;

export function MaintenanceListPage(): ReactElement {
  const { may } = useDesk();
  const [show, setShow] = useState<(typeof SHOW)[number][0]>("ahead");
  const list = useList<Maintenance>(`/maintenance/?show=${show}`);
  return (
    <>
      <Head
        title="Maintenance"
        documentTitle="Maintenance"
        actions={
          may("editor") && (
            <ButtonLink href={consolePaths.newMaintenance} primary>
              Announce maintenance
            </ButtonLink>
          )
        }
      >
        It begins and ends by the clock, and sets the state of its components.
      </Head>
      <div role="group" aria-label="Filter" className={styles.filters}>
        <Choice label="Show" value={show} options={SHOW} change={setShow} />
      </div>
      <Answer query={list} what="the maintenance">
        {(data) => {
          const rows = rowsOf(data);
          return (
            <>
              {rows.length === 0 ? (
                <p className={styles.empty}>{show === "ahead" ? "None is announced." : "There was none yet."}</p>
              ) : (
                <ul className={styles.rows}>
                  {rows.map(({ id, title, state, starts_at, ends_at, components }) => (
                    <li key={id} className={styles.row}>
                      <div className={styles.rowMain}>
                        <p className={styles.rowTitle}>
                          <Link href={consolePaths.oneMaintenance(id)}>{title}</Link>
                        </p>
                        <p className={styles.facts}>
                          <span>{exactly(new Date(starts_at))}</span>
                          <span>{duration(new Date(starts_at), new Date(ends_at))}</span>
                          {components.length > 0 && <span>{components.map(({ name }) => name).join(", ")}</span>}
                        </p>
                      </div>
                      <Badge tone={state === "cancelled" ? "" : "maintenance"}>{maintenanceWords[state]}</Badge>
                    </li>
                  ))}
                </ul>
              )}
              <More list={list} shown={rows.length} />
            </>
          );
        }}
      </Answer>
    </>
  );
}
