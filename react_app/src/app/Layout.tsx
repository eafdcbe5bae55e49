import type { ReactElement, ReactNode } from "react";
import { Link } from "wouter";

import { useEnvironment } from "../lib/environment";
import { paths } from "../lib/paths";
import { switchTheme } from "../lib/theme";
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
        <nav aria-label="Pages" className={styles.nav}>
          <Link href={paths.history}>History</Link>
          <Link href={paths.subscribe}>Subscribe</Link>
          <button type="button" className={styles.theme} onClick={switchTheme} aria-label="Switch between light and dark">
            <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
              <circle cx="12" cy="12" r="8.5" />
              <path d="M12 3.5a8.5 8.5 0 0 1 0 17z" />
            </svg>
          </button>
        </nav>
      </header>
      <main id="content" className={styles.main} tabIndex={-1}>
        {children}
      </main>
      <footer className={styles.footer}>
        <p>This page refreshes by itself. Times are shown in your time zone.</p>
        <ul>
          <li>
            <a href={`${config.apiBase}/feed.atom`}>Atom feed</a>
          </li>
          <li>
            <a href={`${config.apiBase}/feed.rss`}>RSS feed</a>
          </li>
          <li>
            <a href={`${config.apiBase}/badge.svg`}>Badge</a>
          </li>
          <li>
            <Link href={paths.staff}>For staff</Link>
          </li>
        </ul>
      </footer>
    </>
  );
}
