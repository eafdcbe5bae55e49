import { useState, type ReactElement } from "react";

import { fieldErrors } from "../api/errors";
import { Button } from "../ui/Button";
import card from "../ui/Card.module.css";
import { ErrorNotice } from "../ui/ErrorNotice";
import { Field } from "../ui/Field";
import { useSignIn } from "../writes";
import styles from "./SignInForm.module.css";

/** Name and password. `username` is filled in for somebody whose session has ended. */
export function SignInForm({ username: known = "" }: { username?: string }): ReactElement {
  const signIn = useSignIn();
  const [username, setUsername] = useState(known);
  const [password, setPassword] = useState("");

  const submit = (): void => {
    if (signIn.isPending) return;
    signIn.mutate(
      { username, password },
      {
        onError: () => {
          setPassword("");
        },
      },
    );
  };

  return (
    <>
      {signIn.isError && <ErrorNotice error={signIn.error} />}
      <form
        aria-label="Sign in"
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
    </>
  );
}
