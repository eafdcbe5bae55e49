/** A month as "2026-11", in the reader's time zone. */
export type Month = string;

export function monthOfMoment(moment: Date): Month {
  return `${moment.getFullYear()}-${String(moment.getMonth() + 1).padStart(2, "0")}`;
}

/** The month that lies `count` months after this one; before it when negative. */
export function shifted(month: Month, count: number): Month {
  return monthOfMoment(begin(month, count));
}

/** The first moment of the month, or of one that lies `later` months after it. */
export function begin(month: Month, later = 0): Date {
  return new Date(Number(month.slice(0, 4)), Number(month.slice(5)) - 1 + later, 1);
}

export function monthWords(month: Month, locale?: string): string {
  return begin(month).toLocaleDateString(locale, { month: "long", year: "numeric" });
}
