import type { ReactElement } from "react";
import { Redirect, useSearch } from "wouter";

import { useSession } from "../../lib/queries";
import { afterSignIn } from "../../lib/session/next";
import { SignInForm } from "../../lib/session/SignInForm";
import { PageTitle } from "../../lib/ui/PageTitle";
import styles from "./SignInPage.module.css";

export function SignInPage(): ReactElement {
  const session = useSession();
  const search = useSearch();
  if (session.data?.signed_in === true) return <Redirect to={afterSignIn(search)} replace />;
  return (
    <div className={styles.narrow}>
      <PageTitle documentTitle="Sign in">Sign in</PageTitle>
      <p className={styles.lead}>For the people who keep this page up to date.</p>
      <SignInForm />
    </div>
  );
}
