import type { ReactElement, ReactNode } from "react";
import { Link } from "wouter";

import styles from "./parts.module.css";

/** A link that leads to where something is done. */
export function ButtonLink({
  href,
  primary = false,
  children,
}: {
  href: string;
  primary?: boolean;
  children: ReactNode;
}): ReactElement {
  return (
    <Link href={href} className={`${styles.buttonLink} ${primary ? styles.primaryLink : ""}`}>
      {children}
    </Link>
  );
}
