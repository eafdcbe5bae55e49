import type { ReactElement } from "react";
import { Link, Redirect } from "wouter";

import { paths } from "../../lib/paths";
import { useSession, useSummary } from "../../lib/queries";
import { Button } from "../../lib/ui/Button";
import card from "../../lib/ui/Card.module.css";
import { ErrorNotice } from "../../lib/ui/ErrorNotice";
import { PageTitle } from "../../lib/ui/PageTitle";
import { useSignOut } from "../../lib/writes";
import { ComponentStateForm } from "./components/ComponentStateForm";
import { OpenIncidentForm } from "./components/OpenIncidentForm";
import { UpdateForm } from "./components/UpdateForm";
import styles from "./StaffPage.module.css";

export function StaffPage(): ReactElement {
  const session = useSession();
  if (session.data === undefined) {
    return session.isError ? (
      <>
        <PageTitle documentTitle="Staff">The staff page cannot be opened</PageTitle>
        <ErrorNotice
          error={session.error}
          busy={session.isFetching}
          retry={() => {
            void session.refetch();
          }}
        />
      </>
    ) : (
      <p role="status">Looking who is signed in…</p>
    );
  }
  if (!session.data.signed_in) return <Redirect to={paths.signIn} replace />;
  return <Desk username={session.data.username} />;
}

function Desk({ username }: { username: string }): ReactElement {
  const summary = useSummary();
  const signOut = useSignOut();
  return (
    <>
      <div className={styles.head}>
        <div>
          <PageTitle documentTitle="Staff" className={styles.title}>
            Staff page
          </PageTitle>
          <p className={styles.muted}>
            Signed in as {username}. <Link href={paths.home}>See the public page</Link>
          </p>
        </div>
        <Button
          busy={signOut.isPending}
          onClick={() => {
            signOut.mutate();
          }}
        >
          Sign out
        </Button>
      </div>
      {signOut.isError && <ErrorNotice error={signOut.error} />}
      {summary.isError && (
        <ErrorNotice
          error={summary.error}
          busy={summary.isFetching}
          retry={() => {
            void summary.refetch();
          }}
        />
      )}
      {summary.data && (
        <>
          {summary.data.open_incidents.length > 0 && (
            <section aria-labelledby="updates">
              <h2 id="updates" className={card.heading}>
                Post an update
              </h2>
              <ul className={styles.stack}>
                {summary.data.open_incidents.map((incident) => (
                  <li key={incident.id}>
                    <UpdateForm incident={incident} />
                  </li>
                ))}
              </ul>
            </section>
          )}
          <section aria-labelledby="open">
            <h2 id="open" className={card.heading}>
              Open an incident
            </h2>
            <OpenIncidentForm components={summary.data.components} />
          </section>
          <section aria-labelledby="components">
            <h2 id="components" className={card.heading}>
              Component states
            </h2>
            {summary.data.components.length === 0 ? (
              <p className={styles.muted}>There is no component yet.</p>
            ) : (
              <ul className={`${card.card} ${styles.rows}`}>
                {summary.data.components.map((component) => (
                  <li key={component.id}>
                    <ComponentStateForm component={component} />
                  </li>
                ))}
              </ul>
            )}
            <p className={styles.note}>
              Components are added, named and ordered in the <a href={paths.admin}>administration</a>.
            </p>
          </section>
        </>
      )}
    </>
  );
}
