/** 0.999999 is "99.99 %": cut and not rounded, so that a failure is never shown as 100. */
export function percent(ratio: number): string {
  const hundredths = Math.floor(Math.round(ratio * 1_000_000) / 100);
  return `${hundredths === 10_000 ? "100" : (hundredths / 100).toFixed(2)} %`;
}

/** The day that lies `index` days after `first` ("2026-11-22"), in the days of the API, which are those of UTC. */
export function dayWords(first: string, index: number, locale?: string): string {
  const day = new Date(`${first}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() + index);
  return day.toLocaleDateString(locale, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
}

export function uptimeWords(ratio: number | null): string {
  if (ratio === null) return "not watched";
  return ratio === 1 ? "no failure" : `${percent(ratio)} up`;
}

export const LEVELS = ["up", "shaky", "down", "unknown"] as const;
export type Level = (typeof LEVELS)[number];

export function level(ratio: number | null): Level {
  if (ratio === null) return "unknown";
  if (ratio === 1) return "up";
  return ratio >= 0.99 ? "shaky" : "down";
}

/** Top of each bar on a drawing 40 high: a day with a failure stands out without its colour too. */
const TOPS: Record<Level, number> = { up: 9, shaky: 0, down: 0, unknown: 31 };

/** The bars of one level as one path; a day is 4 wide. */
export function barsPath(days: readonly (number | null)[], wanted: Level): string {
  return days.map((ratio, index) => (level(ratio) === wanted ? `M${index * 4} ${TOPS[wanted]}h3V40h-3z` : "")).join("");
}
