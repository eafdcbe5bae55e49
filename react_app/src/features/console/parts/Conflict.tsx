import { useEffect, useRef, type ReactElement, type ReactNode } from "react";

import { Button } from "../../../lib/ui/Button";
import styles from "./parts.module.css";

export interface Difference {
  readonly name: string;
  readonly mine: ReactNode;
  readonly theirs: ReactNode;
}

interface Props {
  children: ReactNode;
  differences: readonly Difference[];
  mineLabel: string;
  theirsLabel: string;
  busy: boolean;
  keepMine: () => void;
  takeTheirs: () => void;
}

/** Two people have changed the same thing: both versions, side by side, and the choice. Nothing is lost before it. */
export function Conflict({
  children,
  differences,
  mineLabel,
  theirsLabel,
  busy,
  keepMine,
  takeTheirs,
}: Props): ReactElement {
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    place.current?.focus();
  }, []);
  return (
    <section ref={place} tabIndex={-1} role="alert" aria-label="Somebody else has changed this" className={styles.conflict}>
      <h2 className={styles.conflictTitle}>Somebody else has changed this meanwhile</h2>
      <p className={styles.muted}>{children}</p>
      {differences.length > 0 && (
        <div className={styles.scroll}>
          <table className={styles.table}>
            <thead>
              <tr>
                <td />
                <th scope="col">Yours, not saved</th>
                <th scope="col">Theirs, saved</th>
              </tr>
            </thead>
            <tbody>
              {differences.map(({ name, mine, theirs }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{mine}</td>
                  <td>{theirs}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div className={styles.actions}>
        <Button kind="primary" busy={busy} onClick={keepMine}>
          {mineLabel}
        </Button>
        <Button onClick={takeTheirs}>{theirsLabel}</Button>
      </div>
    </section>
  );
}
