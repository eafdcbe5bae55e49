import { QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { UseMutationResult, UseQueryResult } from "@tanstack/react-query";

import { ApiError } from "./api/errors";
import type {
  Component,
  ComponentState,
  Incident,
  IncidentDraft,
  IncidentPage,
  IncidentUpdate,
  IncidentUpdateDraft,
  Session,
  SessionDraft,
  Summary,
} from "./api/types";
import { useEnvironment } from "./environment";

const REFRESH_MILLISECONDS = 15_000;

const keys = {
  status: ["status"],
  summary: ["status", "summary"],
  past: ["status", "past"],
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
      },
      mutations: { networkMode: "always" },
    },
  });
}

export function useSummary(): UseQueryResult<Summary> {
  const { api } = useEnvironment();
  return useQuery({ queryKey: keys.summary, queryFn: api.summary, refetchInterval: REFRESH_MILLISECONDS });
}

export function usePastIncidents(): UseQueryResult<IncidentPage> {
  const { api } = useEnvironment();
  return useQuery({ queryKey: keys.past, queryFn: api.pastIncidents, refetchInterval: 4 * REFRESH_MILLISECONDS });
}

export function useIncident(id: number): UseQueryResult<Incident> {
  const { api } = useEnvironment();
  return useQuery({
    queryKey: keys.incident(id),
    queryFn: () => api.incident(id),
    refetchInterval: REFRESH_MILLISECONDS,
  });
}

export function useSession(): UseQueryResult<Session> {
  const { api } = useEnvironment();
  return useQuery({ queryKey: keys.session, queryFn: api.session, staleTime: 60_000 });
}

export function useSignIn(): UseMutationResult<Session, Error, SessionDraft> {
  const { api } = useEnvironment();
  const client = useQueryClient();
  return useMutation({
    mutationFn: api.signIn,
    onSuccess: (session) => {
      client.setQueryData(keys.session, session);
    },
  });
}

export function useSignOut(): UseMutationResult<Session, Error, void> {
  const { api } = useEnvironment();
  const client = useQueryClient();
  return useMutation({
    mutationFn: api.signOut,
    onSuccess: (session) => {
      client.setQueryData(keys.session, session);
    },
  });
}

interface WriteOutcome {
  onSuccess: () => Promise<void>;
  onError: (error: Error) => Promise<void>;
}

/** After a write the page asks again; after a refusal for want of a session it finds out that there is none. */
function useWriteOutcome(): WriteOutcome {
  const client = useQueryClient();
  return {
    onSuccess: () => client.invalidateQueries({ queryKey: keys.status }),
    onError: async (error) => {
      if (error instanceof ApiError && error.kind === "signedOut") {
        await client.invalidateQueries({ queryKey: keys.session });
      }
    },
  };
}

export function useSetComponentState(id: number): UseMutationResult<Component, Error, ComponentState> {
  const { api } = useEnvironment();
  return useMutation({
    mutationFn: (state: ComponentState) => api.changeComponent(id, { state }),
    ...useWriteOutcome(),
  });
}

export function useOpenIncident(): UseMutationResult<Incident, Error, IncidentDraft> {
  const { api } = useEnvironment();
  return useMutation({ mutationFn: api.openIncident, ...useWriteOutcome() });
}

export function usePostUpdate(incidentId: number): UseMutationResult<IncidentUpdate, Error, IncidentUpdateDraft> {
  const { api } = useEnvironment();
  return useMutation({
    mutationFn: (draft: IncidentUpdateDraft) => api.postUpdate(incidentId, draft),
    ...useWriteOutcome(),
  });
}
