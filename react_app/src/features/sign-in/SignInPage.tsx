import { useState, type ReactElement } from "react";
import { Redirect, useLocation } from "wouter";

import { fieldErrors } from "../../lib/api/errors";
import { paths } from "../../lib/paths";
import { useSession } from "../../lib/queries";
import { Button } from "../../lib/ui/Button";
import card from "../../lib/ui/Card.module.css";
import { ErrorNotice } from "../../lib/ui/ErrorNotice";
import { Field } from "../../lib/ui/Field";
import { PageTitle } from "../../lib/ui/PageTitle";
import { useSignIn } from "../../lib/writes";
import styles from "./SignInPage.module.css";

export function SignInPage(): ReactElement {
  const session = useSession();
  const signIn = useSignIn();
  const [, navigate] = useLocation();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");

  if (session.data?.signed_in === true) return <Redirect to={paths.staff} replace />;

  const submit = (): void => {
    if (signIn.isPending) return;
    signIn.mutate(
      { username, password },
      {
        onSuccess: () => {
          navigate(paths.staff, { replace: true });
        },
        onError: () => {
          setPassword("");
        },
      },
    );
  };

  return (
    <div className={styles.narrow}>
      <PageTitle documentTitle="Sign in">Sign in</PageTitle>
      <p className={styles.lead}>For the people who keep this page up to date.</p>
      {signIn.isError && <ErrorNotice error={signIn.error} />}
      <form
        className={`${card.card} ${styles.form}`}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Field label="User name" error={fieldErrors(signIn.error, "username")}>
          {(control) => (
            <input
              {...control}
              type="text"
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              required
              maxLength={150}
              value={username}
              onChange={(event) => {
                setUsername(event.target.value);
              }}
            />
          )}
        </Field>
        <Field label="Password" error={fieldErrors(signIn.error, "password")}>
          {(control) => (
            <input
              {...control}
              type="password"
              autoComplete="current-password"
              required
              value={password}
              onChange={(event) => {
                setPassword(event.target.value);
              }}
            />
          )}
        </Field>
        <div>
          <Button type="submit" kind="primary" busy={signIn.isPending}>
            {signIn.isPending ? "Signing in…" : "Sign in"}
          </Button>
        </div>
      </form>
    </div>
  );
}
