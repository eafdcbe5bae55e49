import { useId, type ReactElement, type ReactNode } from "react";

import styles from "./Field.module.css";

export interface ControlProps {
  id: string;
  className: string | undefined;
  "aria-invalid": boolean;
  "aria-describedby": string | undefined;
}

interface Props {
  label: ReactNode;
  hint?: string | undefined;
  error?: string | undefined;
  children: (control: ControlProps) => ReactElement;
}

/** A control with its label, hint and error, tied together for a screen reader. */
export function Field({ label, hint, error, children }: Props): ReactElement {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={styles.label}>
        {label}
      </label>
      {hint && (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
      {children({
        id,
        className: styles.control,
        "aria-invalid": error !== undefined,
        "aria-describedby": described === "" ? undefined : described,
      })}
      {error && (
        <p id={`${id}-error`} className={styles.error}>
          {error}
        </p>
      )}
    </div>
  );
}
