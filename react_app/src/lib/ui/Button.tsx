import type { ReactElement, ReactNode } from "react";

import styles from "./Button.module.css";

interface Props {
  children: ReactNode;
  kind?: "primary" | "danger" | "plain";
  type?: "button" | "submit";
  busy?: boolean;
  onClick?: () => void;
}

/** A button that stays focusable while its work is under way, and does not start it twice. */
export function Button({ children, kind = "plain", type = "button", busy = false, onClick }: Props): ReactElement {
  return (
    <button
      type={type}
      className={`${styles.button} ${styles[kind]}`}
      aria-disabled={busy}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.();
      }}
    >
      {children}
    </button>
  );
}
