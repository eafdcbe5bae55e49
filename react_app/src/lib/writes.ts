import { useMutation, useQueryClient, type UseMutationResult } from "@tanstack/react-query";

import type { Session, SessionDraft } from "./api/types";
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
