import type { QueryClient } from "@tanstack/react-query";
import { QueryClientProvider } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { Route, Switch } from "wouter";

import { IncidentPage } from "../features/incident/IncidentPage";
import { PublicPage } from "../features/public-page/PublicPage";
import { SignInPage } from "../features/sign-in/SignInPage";
import { StaffPage } from "../features/staff/StaffPage";
import { EnvironmentContext, type Environment } from "../lib/environment";
import { paths } from "../lib/paths";
import { Layout } from "./Layout";
import { NotFoundPage } from "./NotFoundPage";
import { RenderBoundary } from "./RenderBoundary";

interface Props {
  environment: Environment;
  queryClient: QueryClient;
}

export function App({ environment, queryClient }: Props): ReactElement {
  return (
    <EnvironmentContext value={environment}>
      <QueryClientProvider client={queryClient}>
        <Layout>
          <RenderBoundary>
            <Switch>
              <Route path={paths.home} component={PublicPage} />
              <Route path={paths.incidentPattern}>
                {({ id }) => (/^[1-9]\d{0,15}$/.test(id) ? <IncidentPage key={id} id={Number(id)} /> : <NotFoundPage />)}
              </Route>
              <Route path={paths.signIn} component={SignInPage} />
              <Route path={paths.staff} component={StaffPage} />
              <Route component={NotFoundPage} />
            </Switch>
          </RenderBoundary>
        </Layout>
      </QueryClientProvider>
    </EnvironmentContext>
  );
}
