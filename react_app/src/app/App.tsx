import type { QueryClient } from "@tanstack/react-query";
import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, type ReactElement } from "react";
import { Route, Switch } from "wouter";

import { PublicPage } from "../features/public-page/PublicPage";
import { EnvironmentContext, type Environment } from "../lib/environment";
import { paths } from "../lib/paths";
import { Loading } from "../lib/ui/Loading";
import { Layout } from "./Layout";
import { NotFoundPage } from "./NotFoundPage";
import { RenderBoundary } from "./RenderBoundary";

// Only the public page comes at once; each of the others is a file of its own.
const HistoryPage = lazy(async () => ({ default: (await import("../features/history/HistoryPage")).HistoryPage }));
const IncidentPage = lazy(async () => ({ default: (await import("../features/incident/IncidentPage")).IncidentPage }));
const LinkPage = lazy(async () => ({ default: (await import("../features/subscribe/LinkPage")).LinkPage }));
const SubscribePage = lazy(async () => ({
  default: (await import("../features/subscribe/SubscribePage")).SubscribePage,
}));
const SignInPage = lazy(async () => ({ default: (await import("../features/sign-in/SignInPage")).SignInPage }));
const Console = lazy(async () => ({ default: (await import("../features/console/Console")).Console }));

interface Props {
  environment: Environment;
  queryClient: QueryClient;
}

export function App({ environment, queryClient }: Props): ReactElement {
  return (
    <EnvironmentContext value={environment}>
      <QueryClientProvider client={queryClient}>
        <Switch>
          {/* The console has a frame of its own. */}
          <Route path={paths.consolePattern}>
            <RenderBoundary>
              <Suspense fallback={<Loading />}>
                <Console />
              </Suspense>
            </RenderBoundary>
          </Route>
          <Route>
            <Layout>
              <RenderBoundary>
                <Suspense fallback={<Loading />}>
                  <Switch>
                    <Route path={paths.home} component={PublicPage} />
                    <Route path={paths.incidentPattern}>
                      {({ id }) =>
                        /^[1-9]\d{0,15}$/.test(id) ? <IncidentPage key={id} id={Number(id)} /> : <NotFoundPage />
                      }
                    </Route>
                    <Route path={paths.history}>
                      <HistoryPage />
                    </Route>
                    <Route path={paths.monthPattern}>
                      {({ month }) => (/^20\d\d-(0[1-9]|1[0-2])$/.test(month) ? <HistoryPage key={month} month={month} /> : <NotFoundPage />)}
                    </Route>
                    <Route path={paths.subscribe} component={SubscribePage} />
                    <Route path={paths.confirm}>
                      <LinkPage action="confirm" />
                    </Route>
                    <Route path={paths.unsubscribe}>
                      <LinkPage action="unsubscribe" />
                    </Route>
                    <Route path={paths.signIn} component={SignInPage} />
                    <Route component={NotFoundPage} />
                  </Switch>
                </Suspense>
              </RenderBoundary>
            </Layout>
          </Route>
        </Switch>
      </QueryClientProvider>
    </EnvironmentContext>
  );
}
