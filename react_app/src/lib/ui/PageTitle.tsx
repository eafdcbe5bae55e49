import { useEffect, useRef, type ReactElement, type ReactNode } from "react";

import { useEnvironment } from "../environment";
import styles from "./PageTitle.module.css";

/** The page that the browser loaded starts at its top; only pages that follow take the focus to their heading. */
let followsAnother = false;

interface Props {
  documentTitle: string;
  className?: string | undefined;
  children: ReactNode;
}

/** The h1 of a page. It names the browser's tab, and takes the focus when a link within the application led here. */
export function PageTitle({ documentTitle, className, children }: Props): ReactElement {
  const { config } = useEnvironment();
  const heading = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    document.title = documentTitle === "" ? config.siteName : `${documentTitle} · ${config.siteName}`;
  }, [documentTitle, config.siteName]);

  useEffect(() => {
    if (followsAnother) heading.current?.focus();
    return () => {
      followsAnother = true;
    };
  }, []);

  return (
    <h1 ref={heading} tabIndex={-1} className={className ?? styles.title}>
      {children}
    </h1>
  );
}
