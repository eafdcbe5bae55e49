import { useMutation } from "@tanstack/react-query";
import { useState, type ReactElement } from "react";
import { Link } from "wouter";

import { ApiError } from "../../lib/api/errors";
import type { SubscriptionAnswer } from "../../lib/api/types";
import { useEnvironment } from "../../lib/environment";
import { paths } from "../../lib/paths";
import { Button } from "../../lib/ui/Button";
import { ErrorNotice } from "../../lib/ui/ErrorNotice";
import { PageTitle } from "../../lib/ui/PageTitle";
import styles from "./SubscribePage.module.css";

const WORDS = {
  confirm: {
    tab: "Confirm your subscription",
    question: "Do you want to be told when something happens?",
    advice: "With the button you confirm that this address is yours.",
    button: "Subscribe",
    done: "You will be told when something happens",
    after: "Every message has a link with which you can leave.",
  },
  unsubscribe: {
    tab: "Unsubscribe",
    question: "Do you want to hear no more?",
    advice: "We then forget your address.",
    button: "Unsubscribe",
    done: "You will hear no more",
    after: "Your address is forgotten. You can subscribe again whenever you like.",
  },
} as const;

/**
 * Where a link in a message leads. Nothing happens before the button is pressed: programs that look at every link of a
 * message confirm nothing and unsubscribe nobody.
 */
export function LinkPage({ action }: { action: keyof typeof WORDS }): ReactElement {
  const { api } = useEnvironment();
  const [token] = useState(() => new URLSearchParams(window.location.search).get("token") ?? "");
  const words = WORDS[action];
  const answer = useMutation({
    mutationFn: () =>
      api.send<SubscriptionAnswer>("POST", `/subscriptions/${action}/?${new URLSearchParams({ token }).toString()}`),
  });
  const { error } = answer;
  const invalid = token === "" || (error instanceof ApiError && (error.kind === "missing" || error.kind === "invalid"));

  if (invalid || answer.isSuccess) {
    return (
      <div role="status" className={styles.page}>
        <PageTitle key="after" documentTitle={words.tab}>
          {invalid ? "This link is not valid, or no longer" : words.done}
        </PageTitle>
        <p>
          {invalid
            ? "It may have been cut on its way, or it is older than seven days. Ask for a new one on the page below."
            : words.after}
        </p>
        <p className={styles.small}>
          <Link href={invalid ? paths.subscribe : paths.home}>{invalid ? "Subscribe" : "Go to the status page"}</Link>
        </p>
      </div>
    );
  }
  return (
    <div className={styles.page}>
      <PageTitle documentTitle={words.tab}>{words.question}</PageTitle>
      {error !== null && (
        <ErrorNotice
          error={error}
          busy={answer.isPending}
          retry={() => {
            answer.mutate();
          }}
        />
      )}
      <p>{words.advice}</p>
      <p className={styles.action}>
        <Button
          kind="primary"
          busy={answer.isPending}
          onClick={() => {
            answer.mutate();
          }}
        >
          {answer.isPending ? "One moment…" : words.button}
        </Button>
      </p>
    </div>
  );
}
