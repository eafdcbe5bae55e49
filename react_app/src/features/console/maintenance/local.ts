/** A moment as `datetime-local` has it: in the time zone of the browser, to the minute. */
export function toLocal(moment: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${String(moment.getFullYear()).padStart(4, "0")}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  return `${day}T${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

/** The moment of such a text, or null when it is none yet. */
export function fromLocal(text: string): Date | null {
  const moment = new Date(text);
  return text === "" || Number.isNaN(moment.getTime()) ? null : moment;
}
