import { useEffect, useRef, type ReactElement, type ReactNode } from "react";

import { ApiError } from "../../../lib/api/errors";
import card from "../../../lib/ui/Card.module.css";
import { ErrorNotice } from "../../../lib/ui/ErrorNotice";
import styles from "./parts.module.css";

interface Props {
  label: string;
  error: Error | null;
  busy: boolean;
  /** The members that have a field here: what is wrong with others is said at the top. */
  fields: readonly string[];
  submit: () => void;
  children: ReactNode;
}

/** A form that says what was refused where it was typed, and takes the focus there. */
export function Form({ label, error, busy, fields, submit, children }: Props): ReactElement {
  const form = useRef<HTMLFormElement>(null);

  useEffect(() => {
    if (error === null) return;
    const wrong = form.current?.querySelector<HTMLElement>("[aria-invalid='true']");
    (wrong ?? form.current?.querySelector<HTMLElement>("[data-notice]"))?.focus();
  }, [error]);

  const elsewhere = (error instanceof ApiError ? (error.problem?.errors ?? []) : []).filter(
    ({ pointer }) => !fields.includes(pointer.replace("#/", "").split("/")[0] ?? ""),
  );
  return (
    <form
      ref={form}
      aria-label={label}
      className={`${card.card} ${styles.form}`}
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) submit();
      }}
    >
      {error !== null && !(error instanceof ApiError && error.kind === "changed") && (
        <div data-notice="" tabIndex={-1} className={styles.noticePlace}>
          <ErrorNotice error={error} />
          {elsewhere.map(({ pointer, detail }) => (
            <p key={pointer} className={styles.wrong}>
              {detail}
            </p>
          ))}
        </div>
      )}
      {children}
    </form>
  );
}
