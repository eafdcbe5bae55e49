import type { ReactElement } from "react";

import type { UptimeReport } from "../../../lib/api/types";
import { Inspect } from "../../../lib/ui/Inspect";
import { barsPath, dayWords, level, LEVELS, uptimeWords } from "../uptime";
import styles from "./UptimeBars.module.css";

interface Props {
  name: string;
  firstDay: string;
  days: UptimeReport["components"][number]["days"];
}

/** One bar a day, the oldest first. */
export function UptimeBars({ name, firstDay, days }: Props): ReactElement {
  const words = (day: number): string => `${dayWords(firstDay, day)}: ${uptimeWords(days[day] ?? null)}`;
  const failed = days.flatMap((ratio, day) => (ratio === null || ratio === 1 ? [] : words(day)));
  return (
    <>
      <Inspect label={`Uptime of ${name} by day`} count={days.length} words={words}>
        {(chosen) => (
          <svg
            viewBox={`0 0 ${days.length * 4 - 1} 40`}
            preserveAspectRatio="none"
            className={styles.bars}
            aria-hidden="true"
          >
            {LEVELS.map((wanted) => (
              <path key={wanted} d={barsPath(days, wanted)} className={styles[wanted]} />
            ))}
            {chosen !== null && (
              <path d={`M${chosen * 4 - 0.5} 0h4V40h-4z`} className={styles.chosen} data-level={level(days[chosen] ?? null)} />
            )}
          </svg>
        )}
      </Inspect>
      <p className="visually-hidden">
        {failed.length === 0 ? "No failure on any day." : `Days with a failure: ${failed.join("; ")}.`}
      </p>
    </>
  );
}
