import { useEffect, useMemo, useRef, useState, type ReactElement, type ReactNode } from "react";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";

import { useEnvironment } from "../../lib/environment";
import { paths } from "../../lib/paths";
import { useSession, useSummary } from "../../lib/queries";
import { signInFor } from "../../lib/session/next";
import { SignInForm } from "../../lib/session/SignInForm";
import { ErrorNotice } from "../../lib/ui/ErrorNotice";
import { Loading } from "../../lib/ui/Loading";
import { PageTitle } from "../../lib/ui/PageTitle";
import { useSignOut } from "../../lib/writes";
import { ComponentPage } from "./components/ComponentPage";
import { ComponentsPage } from "./components/ComponentsPage";
import styles from "./Console.module.css";
import { DeskContext, useDesk } from "./context";
import { IncidentPage } from "./incidents/IncidentPage";
import { IncidentsPage } from "./incidents/IncidentsPage";
import { NewIncidentPage } from "./incidents/NewIncidentPage";
import { MaintenanceListPage } from "./maintenance/MaintenanceListPage";
import { MaintenancePage } from "./maintenance/MaintenancePage";
import { NewMaintenancePage } from "./maintenance/NewMaintenancePage";
import { EditMonitorPage, NewMonitorPage } from "./monitors/EditMonitorPage";
import { MonitorPage } from "./monitors/MonitorPage";
import { MonitorsPage } from "./monitors/MonitorsPage";
import { Overview } from "./overview/Overview";
import { useOnline } from "./parts/useOnline";
import { consolePaths } from "./paths";
import { AccountPage } from "./people/AccountPage";
import { AuditPage } from "./people/AuditPage";
import { SubscribersPage } from "./people/SubscribersPage";
import { TokensPage } from "./people/TokensPage";
import type { Role } from "./types";
import { roleWords, suffices } from "./words";

const TOAST_MILLISECONDS = 6_000;

/** Everything below /staff. Who is not signed in is led to the sign-in page, and back. */
export function Console(): ReactElement {
  const session = useSession();
  const [location] = useLocation();
  const signOut = useSignOut();
  /** Whoever was signed in on this page: a session that ends must not take along what was typed. */
  const [known, setKnown] = useState<{ username: string; role: Role | "" } | null>(null);
  const [leaving, setLeaving] = useState(false);

  const { data } = session;
  if (data?.signed_in === true && (known?.username !== data.username || known.role !== data.role)) {
    setKnown({ username: data.username, role: data.role });
  }

  if (data === undefined) {
    return (
      <main className={styles.main}>
        {session.isError ? (
          <>
            <PageTitle documentTitle="Staff">The console cannot be opened</PageTitle>
            <ErrorNotice
              error={session.error}
              busy={session.isFetching}
              retry={() => {
                void session.refetch();
              }}
            />
          </>
        ) : (
          <Loading>Looking who is signed in…</Loading>
        )}
      </main>
    );
  }
  if (!data.signed_in && (known === null || leaving)) return <Redirect to={signInFor(leaving ? paths.staff : location)} replace />;
  if (known === null) return <Loading />;
  return (
    <Frame
      username={known.username}
      role={known.role}
      signedIn={data.signed_in}
      signOut={{
        busy: signOut.isPending,
        error: signOut.error,
        run: () => {
          setLeaving(true);
          signOut.mutate(undefined, {
            onError: () => {
              setLeaving(false);
            },
          });
        },
      }}
    />
  );
}

interface FrameProps {
  username: string;
  role: Role | "";
  signedIn: boolean;
  signOut: { busy: boolean; error: Error | null; run: () => void };
}

function Frame({ username, role, signedIn, signOut }: FrameProps): ReactElement {
  const [said, setSaid] = useState({ sentence: "", number: 0 });
  const desk = useMemo(
    () => ({
      username,
      role,
      announce: (sentence: string): void => {
        setSaid(({ number }) => ({ sentence, number: number + 1 }));
      },
    }),
    [username, role],
  );
  useEffect(() => {
    if (said.sentence === "") return undefined;
    const timer = setTimeout(() => {
      setSaid(({ number }) => ({ sentence: "", number }));
    }, TOAST_MILLISECONDS);
    return () => {
      clearTimeout(timer);
    };
  }, [said]);

  return (
    <DeskContext value={desk}>
      <a className={styles.skip} href="#content">
        Skip to the content
      </a>
      {!signedIn && <Again username={username} />}
      {/* Kept while somebody signs in again, with everything that was typed. */}
      <div className={signedIn ? styles.frame : styles.gone}>
        <Side />
        <div>
          <Offline />
          <main id="content" tabIndex={-1} className={styles.main}>
            <Pages signOut={signOut} />
          </main>
        </div>
      </div>
      <div role="status" className={styles.toast}>
        {said.sentence !== "" && <p key={said.number}>{said.sentence}</p>}
      </div>
    </DeskContext>
  );
}

function Again({ username }: { username: string }): ReactElement {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
  }, []);
  return (
    <main className={styles.again}>
      <h1 ref={heading} tabIndex={-1}>
        Sign in again
      </h1>
      <p>Your session has ended. What you have typed is still here, and nothing of it was sent.</p>
      <SignInForm username={username} />
    </main>
  );
}

function Offline(): ReactElement {
  const online = useOnline();
  return (
    <div role="status" className={online ? undefined : styles.offline}>
      {!online && "You are offline. What you see may be old, and nothing can be saved until you are back."}
    </div>
  );
}

interface Entry {
  readonly href: string;
  readonly label: string;
  readonly needed: Role;
}

const ENTRIES: readonly Entry[] = [
  { href: consolePaths.overview, label: "Overview", needed: "viewer" },
  { href: consolePaths.incidents, label: "Incidents", needed: "viewer" },
  { href: consolePaths.maintenance, label: "Maintenance", needed: "viewer" },
  { href: consolePaths.components, label: "Components", needed: "viewer" },
  { href: consolePaths.monitors, label: "Monitors", needed: "viewer" },
  { href: consolePaths.subscribers, label: "Subscribers", needed: "administrator" },
  { href: consolePaths.tokens, label: "Tokens", needed: "administrator" },
  { href: consolePaths.audit, label: "Audit trail", needed: "administrator" },
];

function Side(): ReactElement {
  const { config } = useEnvironment();
  const { username, role } = useDesk();
  const [location] = useLocation();
  const [open, setOpen] = useState(false);
  const summary = useSummary();
  const incidents = summary.data?.open_incidents.length ?? 0;
  const close = (): void => {
    setOpen(false);
  };
  const link = (href: string, label: ReactNode): ReactElement => {
    const here = href === consolePaths.overview ? location === href : location.startsWith(href);
    return (
      <li key={href}>
        <Link href={href} aria-current={here ? "page" : undefined} onClick={close}>
          {label}
        </Link>
      </li>
    );
  };
  return (
    <header className={styles.side}>
      <div className={styles.sticky}>
        <div className={styles.bar}>
          <Link href={consolePaths.overview} className={styles.brand} onClick={close}>
            {config.siteName}
            <small>Console</small>
          </Link>
          <button
            type="button"
            className={styles.menuButton}
            aria-expanded={open}
            aria-controls="console-menu"
            onClick={() => {
              setOpen(!open);
            }}
          >
            Menu
          </button>
        </div>
        <nav id="console-menu" aria-label="Console" className={styles.nav} data-open={open}>
          <ul>
            {ENTRIES.filter(({ needed }) => suffices(role, needed)).map(({ href, label }) =>
              link(
                href,
                href === consolePaths.incidents && incidents > 0 ? (
                  <>
                    {label}{" "}
                    <span className={styles.count}>
                      {incidents} <span className="visually-hidden">open</span>
                    </span>
                  </>
                ) : (
                  label
                ),
              ),
            )}
          </ul>
          <hr className={styles.divider} />
          <ul>
            {link(consolePaths.account, username)}
            <li>
              <Link href={paths.home}>See the public page</Link>
            </li>
          </ul>
        </nav>
      </div>
    </header>
  );
}

function Pages({ signOut }: Pick<FrameProps, "signOut">): ReactElement {
  return (
    <Switch>
      <Route path={consolePaths.overview} component={Overview} />
      <Route path={consolePaths.incidents} component={IncidentsPage} />
      <Route path={consolePaths.newIncident}>{guard("editor", <NewIncidentPage />)}</Route>
      <Route path="/staff/incidents/:id">{byId((id) => <IncidentPage key={id} id={id} />)}</Route>
      <Route path={consolePaths.maintenance} component={MaintenanceListPage} />
      <Route path={consolePaths.newMaintenance}>{guard("editor", <NewMaintenancePage />)}</Route>
      <Route path="/staff/maintenance/:id">{byId((id) => <MaintenancePage key={id} id={id} />)}</Route>
      <Route path={consolePaths.components} component={ComponentsPage} />
      <Route path={consolePaths.newComponent}>{guard("editor", <ComponentPage id={null} />)}</Route>
      <Route path="/staff/components/:id">{byId((id) => guard("editor", <ComponentPage key={id} id={id} />))}</Route>
      <Route path={consolePaths.monitors} component={MonitorsPage} />
      <Route path={consolePaths.newMonitor}>{guard("editor", <NewMonitorPage />)}</Route>
      <Route path="/staff/monitors/:id">{byId((id) => <MonitorPage key={id} id={id} />)}</Route>
      <Route path="/staff/monitors/:id/edit">{byId((id) => guard("editor", <EditMonitorPage key={id} id={id} />))}</Route>
      <Route path={consolePaths.subscribers}>{guard("administrator", <SubscribersPage />)}</Route>
      <Route path={consolePaths.tokens}>{guard("administrator", <TokensPage />)}</Route>
      <Route path={consolePaths.audit}>{guard("administrator", <AuditPage />)}</Route>
      <Route path={consolePaths.account}>
        <AccountPage signOut={signOut} />
      </Route>
      <Route>
        <Nothing />
      </Route>
    </Switch>
  );
}

function byId(draw: (id: number) => ReactElement): (parameters: { id: string }) => ReactElement {
  return ({ id }) => (/^[1-9]\d{0,15}$/.test(id) ? draw(Number(id)) : <Nothing />);
}

function guard(needed: Role, page: ReactElement): ReactElement {
  return <Guard needed={needed}>{page}</Guard>;
}

function Guard({ needed, children }: { needed: Role; children: ReactElement }): ReactElement {
  const { role, may } = useDesk();
  if (may(needed)) return children;
  return (
    <>
      <PageTitle documentTitle="Not for your role">This is not for your role</PageTitle>
      <p>
        It needs the role {roleWords[needed]}, and yours is {role === "" ? "none" : roleWords[role]}. An administrator
        can change that in the <a href={paths.admin}>administration</a>.
      </p>
    </>
  );
}

function Nothing(): ReactElement {
  return (
    <>
      <PageTitle documentTitle="Not found">There is nothing at this address</PageTitle>
      <p>
        It may have a typing mistake. <Link href={consolePaths.overview}>Go to the overview</Link>
      </p>
    </>
  );
}
