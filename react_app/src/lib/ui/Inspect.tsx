import { useState, type ReactElement, type ReactNode } from "react";

import styles from "./Inspect.module.css";

interface Props {
  /** What is looked at, for those who cannot see it. */
  label: string;
  /** How many things lie side by side, all of the same width. */
  count: number;
  /** What is known of one of them, counted from 0. */
  words: (index: number) => string;
  children: (chosen: number | null) => ReactNode;
}

/**
 * A row of things that can be asked one by one: with the pointer, a finger, the arrow keys or a screen reader. The
 * control is a range input, invisible above the drawing, so that all of them work as everywhere else.
 */
export function Inspect({ label, count, words, children }: Props): ReactElement {
  const [chosen, setChosen] = useState<number | null>(null);
  const last = count - 1;
  const index = chosen === null ? last : Math.min(chosen, last);
  const place = `${((index + 0.5) / count) * 100}%`;
  const hide = (): void => {
    setChosen(null);
  };
  return (
    <div className={styles.frame}>
      {children(chosen === null ? null : index)}
      <input
        type="range"
        className={styles.control}
        min={0}
        max={last}
        value={index}
        aria-label={label}
        aria-valuetext={words(index)}
        onChange={(event) => {
          setChosen(Number(event.target.value));
        }}
        onFocus={() => {
          setChosen(index);
        }}
        onBlur={hide}
        onPointerMove={({ currentTarget, clientX }) => {
          const { left, width } = currentTarget.getBoundingClientRect();
          setChosen(Math.max(0, Math.min(last, Math.floor(((clientX - left) / width) * count))));
        }}
        onPointerLeave={hide}
        onKeyDown={({ key }) => {
          if (key === "Escape") hide();
        }}
      />
      {chosen !== null && (
        // Shifted by as much as it is far along, it never leaves the frame.
        <div aria-hidden="true" className={styles.tip} style={{ left: place, transform: `translateX(-${place})` }}>
          {words(index)}
        </div>
      )}
    </div>
  );
}
