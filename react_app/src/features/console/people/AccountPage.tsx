import type { ReactElement } from "react";

import { Button } from "../../../lib/ui/Button";
import card from "../../../lib/ui/Card.module.css";
import { ErrorNotice } from "../../../lib/ui/ErrorNotice";
import { useDesk } from "../context";
import { Head } from "../parts/Head";
import styles from "../parts/parts.module.css";
import { consolePaths } from "../paths";
import type { Role } from "../types";
import { roleWords } from "../words";

const MAY: Record<Role, string> = {
  viewer: "You may read everything that the console shows of the status page, and change nothing.",
  editor: "You may change what the public page shows, and the monitors. Subscribers, tokens and the audit trail are for administrators.",
  administrator: "You may do everything that the console offers.",
};

export function AccountPage({
  signOut,
}: {
  signOut: { busy: boolean; error: Error | null; run: () => void };
}): ReactElement {
  const { username, role } = useDesk();
  return (
    <>
      <Head title="Your account" documentTitle="Your account" />
      {signOut.error !== null && <ErrorNotice error={signOut.error} />}
      <div className={`${card.card} ${styles.form}`}>
        <p>
          Signed in as <strong>{username}</strong>
          {role !== "" && (
            <>
              , with the role <strong>{roleWords[role]}</strong>
            </>
          )}
          .
        </p>
        {role !== "" && <p className={styles.muted}>{MAY[role]}</p>}
        <p>
          <a href={consolePaths.password}>Change your password</a> in the administration.
        </p>
        <div className={styles.actions}>
          <Button busy={signOut.busy} onClick={signOut.run}>
            {signOut.busy ? "Signing out…" : "Sign out"}
          </Button>
        </div>
      </div>
    </>
  );
}
