import type { LatencyPoint } from "../../lib/api/types";

export type Range = "day" | "week" | "quarter";

const HOUR = 3_600_000;
const STEPS: Record<Range, { step: number; count: number }> = {
  day: { step: HOUR, count: 24 },
  week: { step: HOUR, count: 7 * 24 },
  quarter: { step: 24 * HOUR, count: 90 },
};

export interface Slot {
  at: Date;
  /** Milliseconds; null where nobody looked. */
  p50: number | null;
  p95: number | null;
}

/** Every hour or day of a range up to now, with what is known of it: the API leaves out what it does not know. */
export function slots(points: readonly LatencyPoint[], range: Range, now: Date): Slot[] {
  const { step, count } = STEPS[range];
  const known = new Map(points.map((point) => [Math.floor(Date.parse(point.at) / step), point]));
  const last = Math.floor(now.getTime() / step);
  return Array.from({ length: count }, (_, index) => {
    const number = last - count + 1 + index;
    const point = known.get(number);
    return { at: new Date(number * step), p50: point?.p50_ms ?? null, p95: point?.p95_ms ?? null };
  });
}

/** The smallest of 1, 2, 4, 6, 8 × 10ⁿ that is not below the value: a scale whose half is a plain number too. */
export function scale(highest: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, highest)));
  return ([1, 2, 4, 6, 8].find((digit) => digit * power >= highest) ?? 10) * power;
}

/** Runs of neighbours that have a value, as [first index, values]. */
export function runs(values: readonly (number | null)[]): [number, number[]][] {
  const found: [number, number[]][] = [];
  values.forEach((value, index) => {
    if (value === null) return;
    const current = found.at(-1);
    if (current && current[0] + current[1].length === index) current[1].push(value);
    else found.push([index, [value]]);
  });
  return found;
}

/** A line through the middle of each slot on a drawing `height` high and one wide per slot. Holes stay holes. */
export function linePath(values: readonly (number | null)[], top: number, height: number): string {
  const y = (value: number): string => (height - (value / top) * height).toFixed(2);
  return runs(values)
    .map(([first, run]) =>
      run.length === 1
        ? `M${first + 0.2} ${y(run[0] ?? 0)}h.6`
        : run.map((value, index) => `${index === 0 ? "M" : "L"}${first + index + 0.5} ${y(value)}`).join(""),
    )
    .join("");
}

/** "240 ms", "1.25 s" */
export function milliseconds(value: number): string {
  return value < 1000 ? `${value} ms` : `${Number((value / 1000).toFixed(2))} s`;
}
