import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { InfiniteData, UseInfiniteQueryResult, UseQueryResult } from "@tanstack/react-query";

import type { IncidentPage } from "../../lib/api/types";
import { useEnvironment } from "../../lib/environment";
import { begin, type Month } from "./months";

const PAGE = 50;

/** The incidents that began in a month, newest first, page by page. */
export function useIncidentsOf(month: Month): UseInfiniteQueryResult<InfiniteData<IncidentPage>> {
  const { api } = useEnvironment();
  const span = { started_after: begin(month).toISOString(), started_before: begin(month, 1).toISOString() };
  return useInfiniteQuery({
    queryKey: ["status", "history", month],
    initialPageParam: "",
    queryFn: ({ pageParam }) => {
      const query = new URLSearchParams({ ...span, limit: String(PAGE), ...(pageParam ? { cursor: pageParam } : {}) });
      return api.get<IncidentPage>(`/incidents/?${query.toString()}`);
    },
    getNextPageParam: ({ next_cursor }) => next_cursor,
  });
}

/** The newest incident that began before a month, if there is one. */
export function useIncidentBefore(month: Month): UseQueryResult<IncidentPage> {
  const { api } = useEnvironment();
  const query = new URLSearchParams({ started_before: begin(month).toISOString(), limit: "1" });
  return useQuery({
    queryKey: ["status", "history", "before", month],
    queryFn: () => api.get<IncidentPage>(`/incidents/?${query.toString()}`),
  });
}
