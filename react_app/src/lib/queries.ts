import { QueryClient, useQuery } from "@tanstack/react-query";
import type { UseQueryResult } from "@tanstack/react-query";

import { ApiError } from "./api/errors";
import type { Incident, IncidentPage, Session, Summary, UptimeReport } from "./api/types";
import { useEnvironment } from "./environment";

export const REFRESH_MILLISECONDS = 15_000;

/** Whatever a write may change lies below `status`. */
export const keys = {
  status: ["status"],
  summary: ["status", "summary"],
  past: ["status", "past"],
  uptime: ["uptime"],
  incident: (id: number) => ["status", "incident", id],
  session: ["session"],
} as const;

export function createQueryClient({ retryDelay = 800 }: { retryDelay?: number } = {}): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (failures, error) => failures < 2 && error instanceof ApiError && error.passing,
        retryDelay: (attempt) => retryDelay * 2 ** attempt,
        // navigator.onLine is wrong too often to keep a status page from asking.
        networkMode: "always",
        refetchOnReconnect: true,
      },
      mutations: { networkMode: "always" },
    },
  });
}

export function useSummary(): UseQueryResult<Summary> {
  const { api } = useEnvironment();
  return useQuery({ queryKey: keys.summary, queryFn: () => api.get<Summary>("/summary/"), refetchInterval: REFRESH_MILLISECONDS });
}

export function useUptime(): UseQueryResult<UptimeReport> {
  const { api } = useEnvironment();
  return useQuery({
    queryKey: keys.uptime,
    queryFn: () => api.get<UptimeReport>("/uptime/"),
    refetchInterval: 20 * REFRESH_MILLISECONDS,
  });
}

export function usePastIncidents(): UseQueryResult<IncidentPage> {
  const { api } = useEnvironment();
  return useQuery({ queryKey: keys.past, queryFn: () => api.get<IncidentPage>("/incidents/?show=resolved&limit=5"), refetchInterval: 4 * REFRESH_MILLISECONDS });
}

export function useIncident(id: number): UseQueryResult<Incident> {
  const { api } = useEnvironment();
  return useQuery({
    queryKey: keys.incident(id),
    queryFn: () => api.get<Incident>(`/incidents/${id}/`),
    refetchInterval: REFRESH_MILLISECONDS,
  });
}

export function useSession(): UseQueryResult<Session> {
  const { api } = useEnvironment();
  return useQuery({ queryKey: keys.session, queryFn: () => api.session(), staleTime: 60_000 });
}
