import type { ReactElement } from "react";

import { Notice } from "../lib/ui/Notice";
import styles from "./StartFailure.module.css";

/** Shown when /config.json is missing or wrong: without it the page knows neither its name nor its API. */
export function StartFailure(): ReactElement {
  return (
    <main className={styles.frame}>
      <Notice
        title="The status page cannot start."
        advice="A part of it could not be loaded. Check your connection and try again."
        action={{
          label: "Try again",
          run: () => {
            window.location.reload();
          },
        }}
      />
    </main>
  );
}
