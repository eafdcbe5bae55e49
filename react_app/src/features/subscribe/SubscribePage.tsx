import { useMutation } from "@tanstack/react-query";
import { useState, type ReactElement } from "react";
import { Link } from "wouter";

import { fieldErrors } from "../../lib/api/errors";
import type { SubscriptionAnswer, SubscriptionDraft } from "../../lib/api/types";
import { useEnvironment } from "../../lib/environment";
import { paths } from "../../lib/paths";
import { useSummary } from "../../lib/queries";
import { Button } from "../../lib/ui/Button";
import card from "../../lib/ui/Card.module.css";
import { ErrorNotice } from "../../lib/ui/ErrorNotice";
import { Field } from "../../lib/ui/Field";
import { PageTitle } from "../../lib/ui/PageTitle";
import styles from "./SubscribePage.module.css";

type Channel = SubscriptionDraft["channel"];

const CHANNELS: readonly (readonly [Channel, string])[] = [
  ["email", "By e-mail"],
  ["webhook", "By webhook"],
];

export function SubscribePage(): ReactElement {
  const { api } = useEnvironment();
  const components = useSummary().data?.components ?? [];
  const [channel, setChannel] = useState<Channel>("email");
  const [address, setAddress] = useState("");
  const [some, setSome] = useState(false);
  const [chosen, setChosen] = useState<readonly number[]>([]);
  const subscribe = useMutation({
    mutationFn: (draft: SubscriptionDraft) => api.send<SubscriptionAnswer>("POST", "/subscriptions/", draft),
  });

  if (subscribe.isSuccess) {
    return (
      <div role="status" className={styles.page}>
        <PageTitle key="asked" documentTitle="Almost subscribed">
          {channel === "email" ? "Now look into your mailbox" : "Now answer our message"}
        </PageTitle>
        <p>
          {channel === "email"
            ? `We have sent a message to ${address}. Open the link in it within seven days, and you are subscribed.`
            : `We have sent a message to ${address}. Call the confirm_url in it within seven days, and the webhook is subscribed.`}
        </p>
        <p className={styles.small}>
          Nothing there? The address may have been subscribed before: then nothing changes, and we do not say which
          addresses we know. <Link href={paths.home}>Go to the status page</Link>
        </p>
      </div>
    );
  }

  return (
    <div className={styles.page}>
      <PageTitle documentTitle="Subscribe">Be told when something happens</PageTitle>
      <p>
        We write when an incident begins, when there is news of it and when it is over, and before and after planned
        maintenance. You can leave with one click in every message.
      </p>
      {subscribe.isError && <ErrorNotice error={subscribe.error} />}
      <form
        className={`${card.card} ${styles.form}`}
        aria-label="Subscribe"
        onSubmit={(event) => {
          event.preventDefault();
          if (subscribe.isPending) return;
          subscribe.mutate({ channel, address: address.trim(), ...(some ? { components: chosen } : {}) });
        }}
      >
        <fieldset className={styles.choices}>
          <legend className={styles.legend}>How</legend>
          {CHANNELS.map(([value, words]) => (
            <label key={value}>
              <input
                type="radio"
                name="channel"
                checked={channel === value}
                onChange={() => {
                  setChannel(value);
                  setAddress("");
                  subscribe.reset();
                }}
              />
              {words}
            </label>
          ))}
        </fieldset>
        <Field
          label={channel === "email" ? "E-mail address" : "URL of the webhook"}
          hint={
            channel === "email"
              ? "We send one message with a link. Only when you confirm there do we write again."
              : "It gets a signed POST with JSON. The first one carries the secret to check signatures with, and a confirm_url: a POST to it confirms that the webhook is yours."
          }
          error={fieldErrors(subscribe.error, "address")}
        >
          {(control) => (
            <input
              {...control}
              key={channel}
              type={channel === "email" ? "email" : "url"}
              autoComplete={channel === "email" ? "email" : "url"}
              required
              maxLength={channel === "email" ? 254 : 2000}
              value={address}
              onChange={(event) => {
                setAddress(event.target.value);
              }}
            />
          )}
        </Field>
        <fieldset className={styles.choices}>
          <legend className={styles.legend}>About what</legend>
          {[false, true].map((value) => (
            <label key={String(value)}>
              <input
                type="radio"
                name="some"
                checked={some === value}
                onChange={() => {
                  setSome(value);
                }}
              />
              {value ? "Only these" : "Everything"}
            </label>
          ))}
          {some && (
            <ul className={styles.components}>
              {components.map(({ id, name }) => (
                <li key={id}>
                  <label>
                    <input
                      type="checkbox"
                      checked={chosen.includes(id)}
                      // One has to be chosen: to the API none is all.
                      required={chosen.length === 0}
                      onChange={() => {
                        setChosen(chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id]);
                      }}
                    />
                    {name}
                  </label>
                </li>
              ))}
            </ul>
          )}
        </fieldset>
        <div>
          <Button type="submit" kind="primary" busy={subscribe.isPending}>
            {subscribe.isPending ? "Sending…" : "Subscribe"}
          </Button>
        </div>
      </form>
      <p className={styles.small}>
        A feed reader needs no subscription: <a href={`${api.base}/feed.atom`}>Atom</a>,{" "}
        <a href={`${api.base}/feed.rss`}>RSS</a>. For a page of your own there is a{" "}
        <a href={`${api.base}/badge.svg`}>badge</a>.
      </p>
    </div>
  );
}
