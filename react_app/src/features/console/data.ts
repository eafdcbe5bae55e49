import {
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type InfiniteData,
  type QueryKey,
  type UseInfiniteQueryResult,
  type UseMutationResult,
  type UseQueryResult,
} from "@tanstack/react-query";

import type { Version } from "../../lib/api/client";
import { ApiError } from "../../lib/api/errors";
import type { Component, Summary } from "../../lib/api/types";
import { useEnvironment } from "../../lib/environment";
import { keys, REFRESH_MILLISECONDS } from "../../lib/queries";
import type { Page } from "./types";

const CONSOLE = "console";

/** A list by pages. `path` carries the filter: "/incidents/?show=open". */
export function useList<T>(path: string, { refresh = true } = {}): UseInfiniteQueryResult<InfiniteData<Page<T>>> {
  const { api } = useEnvironment();
  return useInfiniteQuery({
    queryKey: [CONSOLE, "list", path],
    queryFn: ({ pageParam }) =>
      api.get<Page<T>>(pageParam === null ? path : `${path}${path.includes("?") ? "&" : "?"}cursor=${pageParam}`),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: refresh ? 2 * REFRESH_MILLISECONDS : false,
  });
}

/** One thing with its entity tag. */
export function useOne<T>(path: string): UseQueryResult<Version<T>> {
  const { api } = useEnvironment();
  return useQuery({
    queryKey: [CONSOLE, "one", path],
    queryFn: () => api.getVersion<T>(path),
    refetchInterval: REFRESH_MILLISECONDS,
  });
}

/** Something without pages and without a tag. */
export function useWhole<T>(path: string): UseQueryResult<T> {
  const { api } = useEnvironment();
  return useQuery({
    queryKey: [CONSOLE, "whole", path],
    queryFn: () => api.get<T>(path),
    refetchInterval: 4 * REFRESH_MILLISECONDS,
  });
}

export interface Write {
  readonly method: "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  readonly ifMatch?: string | null;
}

interface Options<R> {
  /** Change what the page shows before the answer is there; what it showed is put back after a refusal. */
  readonly optimistic?: (client: ReturnType<typeof useQueryClient>, write: Write) => void;
  readonly onSuccess?: (answer: R) => void;
}

/** A write. Afterwards everything that it may have changed is asked anew, after a refusal too. */
export function useWrite<R = unknown>({ optimistic, onSuccess }: Options<R> = {}): UseMutationResult<
  R,
  Error,
  Write,
  readonly [QueryKey, unknown][]
> {
  const { api } = useEnvironment();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ method, path, body, ifMatch }: Write) =>
      api.write<R>(method, path, body, { ifMatch: ifMatch ?? null }),
    onMutate: async (write) => {
      if (!optimistic) return [];
      await client.cancelQueries({ queryKey: keys.status });
      await client.cancelQueries({ queryKey: [CONSOLE] });
      const before = [
        ...client.getQueriesData({ queryKey: keys.status }),
        ...client.getQueriesData({ queryKey: [CONSOLE] }),
      ];
      optimistic(client, write);
      return before;
    },
    onError: async (error, _write, before) => {
      for (const [key, value] of before ?? []) client.setQueryData(key, value);
      if (error instanceof ApiError && error.kind === "signedOut") {
        await client.invalidateQueries({ queryKey: keys.session });
      }
    },
    onSuccess: (answer) => {
      onSuccess?.(answer);
    },
    onSettled: async () => {
      await Promise.all([
        client.invalidateQueries({ queryKey: keys.status }),
        client.invalidateQueries({ queryKey: [CONSOLE] }),
      ]);
    },
  });
}

/** Show components as they are about to be. */
export function changeComponents(
  client: ReturnType<typeof useQueryClient>,
  change: (component: Component) => Component,
): void {
  client.setQueryData<Summary>(keys.summary, (summary) =>
    summary ? { ...summary, components: summary.components.map(change) } : summary,
  );
}

/** Show the rows of every list below `path` as they are about to be. */
export function changeRows<T>(
  client: ReturnType<typeof useQueryClient>,
  path: string,
  change: (row: T) => T,
): void {
  client.setQueriesData<InfiniteData<Page<T>>>(
    { predicate: ({ queryKey }) => queryKey[1] === "list" && String(queryKey[2]).startsWith(path) },
    (data) =>
      data
        ? { ...data, pages: data.pages.map((page) => ({ ...page, results: page.results.map(change) })) }
        : data,
  );
}

export function rowsOf<T>(data: InfiniteData<Page<T>> | undefined): readonly T[] {
  return data?.pages.flatMap(({ results }) => results) ?? [];
}
