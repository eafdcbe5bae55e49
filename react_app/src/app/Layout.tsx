import type { ReactElement, ReactNode } from "react";
import { Link, useLocation } from "wouter";

import { useEnvironment } from "../lib/environment";
import { paths } from "../lib/paths";
import { useSession } from "../lib/queries";
import styles from "./Layout.module.css";

export function Layout({ children }: { children: ReactNode }): ReactElement {
  const { config } = useEnvironment();
  return (
    <>
      <a className={styles.skip} href="#content">
        Skip to the content
      </a>
      <header className={styles.header}>
        <Link href={paths.home} className={styles.brand}>
          <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
            <rect width="32" height="32" rx="9" className={styles.markGround} />
            <path d="M6 17h5l3-8 5 14 3-6h4" className={styles.markLine} />
          </svg>
          <span>{config.siteName}</span>
        </Link>
        <StaffLink />
      </header>
      <main id="content" className={styles.main} tabIndex={-1}>
        {children}
      </main>
      <footer className={styles.footer}>
        <p>This page refreshes by itself. Times are shown in your time zone.</p>
      </footer>
    </>
  );
}

function StaffLink(): ReactElement | null {
  const [location] = useLocation();
  const session = useSession();
  if (location === paths.signIn || location === paths.staff) return null;
  // A failing session request is no news for a reader: the link then leads to the sign-in page, which says it.
  const signedIn = session.data?.signed_in === true;
  return (
    <Link href={signedIn ? paths.staff : paths.signIn} className={styles.staffLink}>
      {signedIn ? "Staff page" : "Sign in"}
    </Link>
  );
}
