import { useQuery } from "@tanstack/react-query";
import { useId, useState, type ReactElement } from "react";

import type { LatencyPoint } from "../../../lib/api/types";
import { useEnvironment } from "../../../lib/environment";
import { REFRESH_MILLISECONDS } from "../../../lib/queries";
import { ErrorNotice } from "../../../lib/ui/ErrorNotice";
import { Inspect } from "../../../lib/ui/Inspect";
import { Loading } from "../../../lib/ui/Loading";
import { linePath, milliseconds, scale, slots, type Range, type Slot } from "../latency";
import styles from "./Latency.module.css";

const RANGES: readonly (readonly [Range, string])[] = [
  ["day", "24 hours"],
  ["week", "7 days"],
  ["quarter", "90 days"],
];
const HEIGHT = 100;

/** How fast a component answered. */
export function Latency({ id, name }: { id: number; name: string }): ReactElement {
  const { api } = useEnvironment();
  const [range, setRange] = useState<Range>("day");
  const group = useId();
  const latency = useQuery({
    queryKey: ["latency", id, range],
    queryFn: () => api.get<LatencyPoint[]>(`/components/${id}/latency/?range=${range}`),
    refetchInterval: 20 * REFRESH_MILLISECONDS,
    placeholderData: (previous, query) => (query?.queryKey[2] === range ? previous : undefined),
  });
  return (
    <div className={styles.frame}>
      <fieldset className={styles.ranges}>
        <legend className="visually-hidden">Time shown for {name}</legend>
        {RANGES.map(([value, words]) => (
          <label key={value} className={styles.range}>
            <input
              type="radio"
              name={group}
              className="visually-hidden"
              checked={range === value}
              onChange={() => {
                setRange(value);
              }}
            />
            {words}
          </label>
        ))}
      </fieldset>
      {latency.data === undefined ? (
        latency.isError ? (
          <ErrorNotice
            error={latency.error}
            busy={latency.isFetching}
            retry={() => {
              void latency.refetch();
            }}
          />
        ) : (
          <div className={styles.waiting}>
            <Loading />
          </div>
        )
      ) : (
        <Chart name={name} range={range} all={slots(latency.data, range, new Date(latency.dataUpdatedAt))} />
      )}
    </div>
  );
}

function Chart({ name, range, all }: { name: string; range: Range; all: readonly Slot[] }): ReactElement {
  const known = all.filter(({ p50 }) => p50 !== null);
  const highest = Math.max(0, ...known.map(({ p50, p95 }) => Math.max(p50 ?? 0, p95 ?? 0)));
  if (known.length === 0) return <p className={styles.waiting}>Nothing has been measured in this time.</p>;
  const top = scale(highest);
  const words = (index: number): string => {
    const slot = all[index];
    return slot ? `${moment(slot.at, range)}: ${slotWords(slot)}` : "";
  };
  return (
    <>
      <div className={styles.plot}>
        <div className={styles.scale} aria-hidden="true">
          {[top, top / 2, 0].map((value) => (
            <span key={value}>{milliseconds(value)}</span>
          ))}
        </div>
        <Inspect label={`Response time of ${name}`} count={all.length} words={words}>
          {(chosen) => (
            <svg
              viewBox={`0 0 ${all.length} ${HEIGHT}`}
              preserveAspectRatio="none"
              className={styles.drawing}
              aria-hidden="true"
            >
              <path d={`M0 0H${all.length}M0 ${HEIGHT / 2}H${all.length}M0 ${HEIGHT}H${all.length}`} className={styles.grid} />
              {chosen !== null && <path d={`M${chosen + 0.5} 0V${HEIGHT}`} className={styles.chosen} />}
              <path d={linePath(all.map(({ p95 }) => p95), top, HEIGHT)} className={styles.slow} />
              <path d={linePath(all.map(({ p50 }) => p50), top, HEIGHT)} className={styles.median} />
            </svg>
          )}
        </Inspect>
        <div className={styles.times} aria-hidden="true">
          {[0, Math.floor(all.length / 2), all.length - 1].map((index) => (
            <span key={index}>{moment(all[index]?.at ?? new Date(), range)}</span>
          ))}
        </div>
      </div>
      <ul className={styles.key}>
        <li className={styles.keyMedian}>Median</li>
        <li className={styles.keySlow}>95 of 100 answers were at least this fast</li>
      </ul>
      <details className={styles.table}>
        <summary>As a table</summary>
          <table>
            <caption className="visually-hidden">Response time of {name}</caption>
            <thead>
              <tr>
                <th scope="col">{range === "quarter" ? "Day" : "Hour"}</th>
                <th scope="col">Median</th>
                <th scope="col">95 %</th>
              </tr>
            </thead>
            <tbody>
              {known.toReversed().map(({ at, p50, p95 }) => (
                <tr key={at.getTime()}>
                  <th scope="row">{moment(at, range)}</th>
                  <td>{p50 === null ? "" : milliseconds(p50)}</td>
                  <td>{p95 === null ? "" : milliseconds(p95)}</td>
                </tr>
              ))}
            </tbody>
          </table>
      </details>
    </>
  );
}

function slotWords({ p50, p95 }: Slot): string {
  if (p50 === null) return "nothing measured";
  return `median ${milliseconds(p50)}${p95 === null ? "" : `, 95 % within ${milliseconds(p95)}`}`;
}

/** Days are those of the API, which are days of UTC. */
function moment(at: Date, range: Range): string {
  if (range === "quarter") return at.toLocaleDateString(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
  return at.toLocaleString(undefined, {
    ...(range === "week" ? { weekday: "short" } : {}),
    hour: "2-digit",
    minute: "2-digit",
  });
}
