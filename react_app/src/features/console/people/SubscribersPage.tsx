import { useState, type ReactElement } from "react";

import { Moment } from "../../../lib/ui/Moment";
import { useDesk } from "../context";
import { rowsOf, useList, useWrite } from "../data";
import { Answer } from "../parts/Answer";
import { Badge } from "../parts/Badge";
import { Choice } from "../parts/Choice";
import { Confirm } from "../parts/Confirm";
import { Head } from "../parts/Head";
import { More } from "../parts/More";
import styles from "../parts/parts.module.css";
import type { Subscriber } from "../types";

const CHANNELS = [
  ["", "All"],
  ["email", "E-mail"],
  ["webhook", "Webhook"],
] as const;
const CONFIRMED = [
  ["", "All"],
  ["true", "Confirmed"],
  ["false", "Not confirmed yet"],
] as const;

export function SubscribersPage(): ReactElement {
  const [channel, setChannel] = useState<(typeof CHANNELS)[number][0]>("");
  const [confirmed, setConfirmed] = useState<(typeof CONFIRMED)[number][0]>("");
  const filter = [
    ...(channel === "" ? [] : [`channel=${channel}`]),
    ...(confirmed === "" ? [] : [`confirmed=${confirmed}`]),
  ].join("&");
  const list = useList<Subscriber>(`/subscribers/${filter === "" ? "" : `?${filter}`}`);
  return (
    <>
      <Head title="Subscribers" documentTitle="Subscribers">
        They subscribe on the public page. Here they can only be removed.
      </Head>
      <div role="group" aria-label="Filter" className={styles.filters}>
        <Choice label="Channel" value={channel} options={CHANNELS} change={setChannel} />
        <Choice label="Confirmed" value={confirmed} options={CONFIRMED} change={setConfirmed} />
      </div>
      <Answer query={list} what="the subscribers">
        {(data) => {
          const subscribers = rowsOf(data);
          return (
            <>
              {subscribers.length === 0 ? (
                <p className={styles.empty}>{filter === "" ? "Nobody has subscribed yet." : "Nobody fits."}</p>
              ) : (
                <ul className={styles.rows}>
                  {subscribers.map((subscriber) => (
                    <Row key={subscriber.id} subscriber={subscriber} />
                  ))}
                </ul>
              )}
              <More list={list} shown={subscribers.length} />
            </>
          );
        }}
      </Answer>
    </>
  );
}

function Row({ subscriber }: { subscriber: Subscriber }): ReactElement {
  const { announce } = useDesk();
  const { id, address, channel, components, confirmed_at, created_at } = subscriber;
  const remove = useWrite({
    onSuccess: () => {
      announce(`${address} is removed.`);
    },
  });
  return (
    <li className={styles.row}>
      <div className={styles.rowMain}>
        <p className={styles.rowTitle}>{address}</p>
        <p className={styles.facts}>
          <span>{channel === "email" ? "E-mail" : "Webhook"}</span>
          <span>{components.length === 0 ? "About everything" : `About ${components.map(({ name }) => name).join(", ")}`}</span>
          <span>
            Asked <Moment at={created_at} />
          </span>
        </p>
      </div>
      <div className={styles.actions}>
        {confirmed_at === null ? <Badge tone="degraded">Not confirmed</Badge> : <Badge tone="operational">Confirmed</Badge>}
        <Confirm
          label="Remove"
          of={address}
          question={`Remove ${address}?`}
          consequence="The address is forgotten. Whoever it belongs to can subscribe again."
          confirm="Remove"
          busy={remove.isPending}
          error={remove.error}
          run={() => {
            remove.mutate({ method: "DELETE", path: `/subscribers/${id}/` });
          }}
        />
      </div>
    </li>
  );
}
