import type { ReactElement } from "react";

import { exactly } from "../../../lib/time";
import partStyles from "../parts/parts.module.css";
import styles from "./Latency.module.css";

interface Point {
  readonly at: string;
  /** Milliseconds, or null when nothing was measured. */
  readonly value: number | null;
  readonly up: boolean;
}

const [WIDTH, HEIGHT] = [600, 120];

/** The latencies as a line with gaps where nothing was measured, and in words for who does not see it. */
export function Latency({ points, p95 = false }: { points: readonly Point[]; p95?: boolean }): ReactElement {
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
  const [first, last] = [points[0], points.at(-1)];
  if (values.length === 0 || first === undefined || last === undefined) {
    return <p className={partStyles.empty}>Nothing has been measured yet.</p>;
  }
  const sorted = [...values].sort((one, other) => one - other);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  const slowest = sorted.at(-1) ?? 0;
  const [from, to] = [new Date(first.at).getTime(), new Date(last.at).getTime()];
  const x = (at: string): number => (to === from ? WIDTH / 2 : ((new Date(at).getTime() - from) / (to - from)) * WIDTH);
  const y = (value: number): number => HEIGHT - 4 - (value / Math.max(slowest, 1)) * (HEIGHT - 12);
  let line = "";
  let pen = "M";
  for (const { at, value } of points) {
    if (value === null) pen = "M";
    else {
      line += `${pen}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    }
  }
  const span = `From ${exactly(new Date(first.at))} to ${exactly(new Date(last.at))}`;
  const words = p95
    ? `${span}, at most of the times 95 of 100 answers took ${median} ms or less, and ${slowest} ms at the worst.`
    : `${span}, half of the answers took ${median} ms or less, and the slowest ${slowest} ms.`;
  return (
    <figure className={styles.figure}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={words} className={styles.chart}>
        <line x1="0" x2={WIDTH} y1={HEIGHT - 4} y2={HEIGHT - 4} className={styles.axis} />
        {points
          .filter(({ up }) => !up)
          .map(({ at }) => (
            <line key={at} x1={x(at)} x2={x(at)} y1="0" y2={HEIGHT - 4} className={styles.down} />
          ))}
        <path d={line} className={styles.line} />
        {values.length === 1 &&
          points.map(({ at, value }) =>
            value === null ? null : <circle key={at} cx={x(at)} cy={y(value)} r="3" className={styles.dot} />,
          )}
      </svg>
      <figcaption className={partStyles.muted}>{words}</figcaption>
    </figure>
  );
}
