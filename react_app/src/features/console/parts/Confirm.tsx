import { useEffect, useId, useRef, useState, type ReactElement, type ReactNode } from "react";

import { Button } from "../../../lib/ui/Button";
import { ErrorNotice } from "../../../lib/ui/ErrorNotice";
import styles from "./parts.module.css";

interface Props {
  /** What the button says, and of what: "Delete" and "the component API". */
  label: string;
  of: string;
  question: string;
  consequence?: ReactNode;
  confirm: string;
  keep?: string;
  /** Nothing is lost by it. */
  gentle?: boolean;
  busy: boolean;
  error: Error | null;
  run: (done: () => void) => void;
}

/** A button whose deed is asked for once more, in its own place: no layer covers what the question is about. */
export function Confirm({
  label,
  of,
  question,
  consequence,
  confirm,
  keep = "Keep it",
  gentle = false,
  busy,
  error,
  run,
}: Props): ReactElement {
  const [asked, setAsked] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const wasAsked = useRef(false);
  const id = useId();

  useEffect(() => {
    if (asked) place.current?.querySelector<HTMLButtonElement>("button[data-keep] , [data-keep] button")?.focus();
    else if (wasAsked.current) place.current?.querySelector("button")?.focus();
    wasAsked.current = asked;
  }, [asked]);

  return (
    <div ref={place} data-gentle={gentle || undefined} className={asked ? styles.confirm : styles.confirmClosed}>
      {asked ? (
        // Escape leaves the question as it does everywhere; the buttons inside do the work.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
        <div
          role="group"
          aria-labelledby={`${id}-question`}
          onKeyDown={(event) => {
            if (event.key === "Escape") setAsked(false);
          }}
        >
          <p id={`${id}-question`} className={styles.question}>
            {question}
          </p>
          {consequence !== undefined && <p className={styles.muted}>{consequence}</p>}
          {error !== null && <ErrorNotice error={error} />}
          <div className={styles.actions}>
            <Button
              kind={gentle ? "primary" : "danger"}
              busy={busy}
              onClick={() => {
                run(() => {
                  setAsked(false);
                });
              }}
            >
              {confirm}
            </Button>
            <span data-keep="">
              <Button
                onClick={() => {
                  setAsked(false);
                }}
              >
                {keep}
              </Button>
            </span>
          </div>
        </div>
      ) : (
        <Button
          onClick={() => {
            setAsked(true);
          }}
        >
          {label} <span className="visually-hidden">{of}</span>
        </Button>
      )}
    </div>
  );
}
