import type { QueryClient } from "@tanstack/react-query";
import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, type FunctionComponent, type LazyExoticComponent, type ReactElement } from "react";
import { Route, Switch, useLocation } from "wouter";

import { PublicPage } from "../features/public-page/PublicPage";
import { ApiError } from "../lib/api/errors";
import { EnvironmentContext, type Environment } from "../lib/environment";
import { paths } from "../lib/paths";
import { Loading } from "../lib/ui/Loading";
import { Layout } from "./Layout";
import { NotFoundPage } from "./NotFoundPage";
import { RenderBoundary } from "./RenderBoundary";

/** A page in a file of its own; one that does not come is as an answer that does not. */
function page<P>(load: () => Promise<FunctionComponent<P>>): LazyExoticComponent<FunctionComponent<P>> {
  return lazy(async () => {
    try {
      return { default: await load() };
    } catch (cause) {
      throw new ApiError("unreachable", null, { cause });
    }
  });
}

// Only the public page comes at once.
const HistoryPage = page(async () => (await import("../features/history/HistoryPage")).HistoryPage);
const IncidentPage = page(async () => (await import("../features/incident/IncidentPage")).IncidentPage);
const LinkPage = page(async () => (await import("../features/subscribe/LinkPage")).LinkPage);
const SubscribePage = page(async () => (await import("../features/subscribe/SubscribePage")).SubscribePage);
const SignInPage = page(async () => (await import("../features/sign-in/SignInPage")).SignInPage);
const Console = page(async () => (await import("../features/console/Console")).Console);

interface Props {
  environment: Environment;
  queryClient: QueryClient;
}

export function App({ environment, queryClient }: Props): ReactElement {
  const [place] = useLocation();
  return (
    <EnvironmentContext value={environment}>
      <QueryClientProvider client={queryClient}>
        <Switch>
          {/* The console has a frame of its own. */}
          <Route path={paths.consolePattern}>
            <RenderBoundary place={place}>
              <Suspense fallback={<Loading />}>
                <Console />
              </Suspense>
            </RenderBoundary>
          </Route>
          <Route>
            <Layout>
              <RenderBoundary place={place}>
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
