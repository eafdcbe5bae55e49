import { useMutation, useQueryClient, type UseMutationResult } from "@tanstack/react-query";

import { ApiError } from "./api/errors";
import type {
  Component,
  ComponentState,
  Incident,
  IncidentDraft,
  IncidentUpdate,
  IncidentUpdateDraft,
  Session,
  SessionDraft,
} from "./api/types";
import { useEnvironment } from "./environment";
import { keys } from "./queries";

export function useSignIn(): UseMutationResult<Session, Error, SessionDraft> {
  const { api } = useEnvironment();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (draft) => api.write("POST", "/session/", draft),
    onSuccess: (session) => {
      client.setQueryData(keys.session, session);
    },
  });
}

export function useSignOut(): UseMutationResult<Session, Error, void> {
  const { api } = useEnvironment();
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => api.write("DELETE", "/session/"),
    onSuccess: (session) => {
      client.setQueryData(keys.session, session);
    },
  });
}

export interface WriteOutcome {
  onSuccess: () => Promise<void>;
  onError: (error: Error) => Promise<void>;
}

/** After a write the page asks again; after a refusal for want of a session it finds out that there is none. */
export function useWriteOutcome(): WriteOutcome {
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
    mutationFn: (state: ComponentState) => api.write("PATCH", `/components/${id}/`, { state }),
    ...useWriteOutcome(),
  });
}

export function useOpenIncident(): UseMutationResult<Incident, Error, IncidentDraft> {
  const { api } = useEnvironment();
  return useMutation({ mutationFn: (draft: IncidentDraft) => api.write("POST", "/incidents/", draft), ...useWriteOutcome() });
}

export function usePostUpdate(incidentId: number): UseMutationResult<IncidentUpdate, Error, IncidentUpdateDraft> {
  const { api } = useEnvironment();
  return useMutation({
    mutationFn: (draft: IncidentUpdateDraft) => api.write("POST", `/incidents/${incidentId}/updates/`, draft),
    ...useWriteOutcome(),
  });
}
