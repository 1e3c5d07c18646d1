// What can be read, each under a key that begins with its topic; `live.ts` reads a topic again when it changed.
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, bodyOf } from "./client";
import type { DriftState, Wish } from "./types";

export const topics = {
  changes: "changes",
  workloads: "workloads",
  clusters: "clusters",
  repositories: "repositories",
  status: "status",
  verdicts: "verdicts",
  onboarding: "onboarding",
  drift: "drift",
} as const;

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: ({ signal }) => bodyOf(api.GET("/api/v1/me", { signal })),
  staleTime: 60_000,
});

export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: ({ signal }) => bodyOf(api.GET("/api/v1/sessions", { signal })),
});

export const tokensQuery = queryOptions({
  queryKey: ["tokens"],
  queryFn: ({ signal }) => bodyOf(api.GET("/api/v1/tokens", { signal })),
});

export function onboardingQuery(organization: string) {
  return queryOptions({
    queryKey: [topics.onboarding, organization],
    queryFn: ({ signal }) =>
      bodyOf(api.GET("/api/v1/organizations/{organization}/onboarding", { ...within(organization), signal })),
  });
}

export function availableRepositoriesQuery(organization: string) {
  return queryOptions({
    queryKey: [topics.repositories, organization, "available"],
    queryFn: ({ signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/github/repositories", {
          ...within(organization),
          signal,
        }),
      ),
    retry: false,
  });
}

export function repositoriesQuery(organization: string) {
  return queryOptions({
    queryKey: [topics.repositories, organization, "connected"],
    queryFn: ({ signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/repositories", { ...within(organization), signal }),
      ),
  });
}

export function findingsQuery(organization: string) {
  return queryOptions({
    queryKey: [topics.repositories, organization, "findings"],
    queryFn: ({ signal }) =>
      bodyOf(api.GET("/api/v1/organizations/{organization}/findings", { ...within(organization), signal })),
  });
}

export function registryLoginsQuery(organization: string) {
  return queryOptions({
    // Under the topic of scans: each of them may say how a login's use ended.
    queryKey: [topics.status, organization, "registry-logins"],
    queryFn: ({ signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/registry-logins", { ...within(organization), signal }),
      ),
  });
}

export function ownAutomatorsQuery(organization: string) {
  return queryOptions({
    queryKey: [topics.status, organization, "automators"],
    queryFn: ({ signal }) =>
      bodyOf(api.GET("/api/v1/organizations/{organization}/automators", { ...within(organization), signal })),
  });
}

export function receiversQuery(organization: string) {
  return queryOptions({
    queryKey: ["receivers", organization],
    queryFn: ({ signal }) =>
      bodyOf(api.GET("/api/v1/organizations/{organization}/receivers", { ...within(organization), signal })),
  });
}

export function membersQuery(organization: string) {
  return queryOptions({
    queryKey: ["members", organization],
    queryFn: ({ signal }) =>
      bodyOf(api.GET("/api/v1/organizations/{organization}/members", { ...within(organization), signal })),
  });
}

export function invitationsQuery(organization: string) {
  return queryOptions({
    queryKey: ["invitations", organization],
    queryFn: ({ signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/invitations", { ...within(organization), signal }),
      ),
  });
}

export function clustersQuery(organization: string) {
  return queryOptions({
    queryKey: [topics.clusters, organization, "all"],
    queryFn: ({ signal }) =>
      bodyOf(api.GET("/api/v1/organizations/{organization}/clusters", { ...within(organization), signal })),
  });
}

export function clusterQuery(organization: string, cluster: string) {
  return queryOptions({
    queryKey: [topics.clusters, organization, cluster],
    queryFn: ({ signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/clusters/{cluster}", {
          params: { path: { organization, cluster } },
          signal,
        }),
      ),
  });
}

export interface ChangeFilter {
  state?: "in-flight" | "ended" | undefined;
  environment?: string | undefined;
  limit?: number;
}

export function changesQuery(organization: string, { state, environment, limit }: ChangeFilter = {}) {
  return infiniteQueryOptions({
    queryKey: [topics.changes, organization, "page", state ?? "all", environment ?? "", limit ?? 0],
    queryFn: ({ pageParam, signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/changes", {
          params: { path: { organization }, query: { after: pageParam, environment, state, limit } },
          signal,
        }),
      ),
    ...paging,
  });
}

export function changeQuery(organization: string, change: string) {
  return queryOptions({
    queryKey: [topics.changes, organization, change],
    queryFn: ({ signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/changes/{change}", {
          params: { path: { organization, change } },
          signal,
        }),
      ),
  });
}

/** Open requests, however many came since; or the newest of all. */
export function requestsQuery(organization: string, state: "open" | "all") {
  return queryOptions({
    queryKey: [topics.changes, organization, "requests", state],
    queryFn: ({ signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/requests", {
          params: { path: { organization }, query: { state, limit: state === "open" ? 200 : 20 } },
          signal,
        }),
      ),
  });
}

export function requestQuery(organization: string, request: string) {
  return queryOptions({
    queryKey: [topics.changes, organization, "requests", request],
    queryFn: ({ signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/requests/{request}", {
          params: { path: { organization, request } },
          signal,
        }),
      ),
  });
}

/** What a wish would do, as things stand now. */
export function previewQuery(organization: string, wish: Wish) {
  return queryOptions({
    queryKey: [topics.repositories, organization, "preview", JSON.stringify(wish)],
    queryFn: ({ signal }) =>
      bodyOf(
        api.POST("/api/v1/organizations/{organization}/requests/preview", {
          params: { path: { organization } },
          body: { wish },
          signal,
        }),
      ),
    staleTime: 0,
    retry: false,
  });
}

export function holdsQuery(organization: string) {
  return queryOptions({
    queryKey: [topics.repositories, organization, "holds"],
    queryFn: ({ signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/holds", { params: { path: { organization } }, signal }),
      ),
  });
}

export interface DriftFilter {
  environment?: string | undefined;
  state?: DriftState | undefined;
}

export function driftQuery(organization: string, { environment, state }: DriftFilter = {}) {
  return infiniteQueryOptions({
    queryKey: [topics.drift, organization, "page", environment ?? "", state ?? ""],
    queryFn: ({ pageParam, signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/drift", {
          params: { path: { organization }, query: { after: pageParam, environment, state } },
          signal,
        }),
      ),
    // That nobody looked is itself the news.
    refetchInterval: 60_000,
    ...paging,
  });
}

export function driftRecordQuery(
  organization: string,
  record: string,
  { spell, before }: { spell?: string | undefined; before?: string | undefined } = {},
) {
  return queryOptions({
    queryKey: [topics.drift, organization, record, spell ?? "", before ?? ""],
    queryFn: ({ signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/drift/{record}", {
          params: { path: { organization, record }, query: { spell, before } },
          signal,
        }),
      ),
  });
}

export function reportersQuery(organization: string) {
  return queryOptions({
    queryKey: [topics.drift, organization, "reporters"],
    queryFn: ({ signal }) =>
      bodyOf(api.GET("/api/v1/organizations/{organization}/reporters", { ...within(organization), signal })),
  });
}

export interface WorkloadFilter {
  environment?: string | undefined;
  cluster?: string | undefined;
}

export function workloadsQuery(organization: string, { environment, cluster }: WorkloadFilter = {}) {
  return infiniteQueryOptions({
    queryKey: [topics.workloads, organization, environment ?? "", cluster ?? ""],
    queryFn: ({ pageParam, signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/workloads", {
          params: { path: { organization }, query: { after: pageParam, environment, cluster } },
          signal,
        }),
      ),
    ...paging,
  });
}

export function verdictsQuery(organization: string, environment: string, image: string) {
  return queryOptions({
    queryKey: [topics.verdicts, organization, environment, image],
    queryFn: ({ signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/verdicts", {
          params: { path: { organization }, query: { environment, image } },
          signal,
        }),
      ),
  });
}

/** Where the commits are whose id begins so. */
export function revisionQuery(organization: string, revision: string) {
  return queryOptions({
    queryKey: [topics.repositories, organization, "revision", revision],
    queryFn: ({ signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/revisions/{revision}", {
          params: { path: { organization, revision } },
          signal,
        }),
      ),
    // What Syncs are doing with it is told under other topics.
    refetchInterval: 5_000,
  });
}

export interface PastFilter {
  at: string;
  environment?: string | undefined;
}

export function pastQuery(organization: string, { at, environment }: PastFilter) {
  return infiniteQueryOptions({
    queryKey: [topics.clusters, organization, "past", at, environment ?? ""],
    queryFn: ({ pageParam, signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/past", {
          params: { path: { organization }, query: { at, after: pageParam, environment } },
          signal,
        }),
      ),
    ...paging,
  });
}

export function auditQuery(organization: string) {
  return infiniteQueryOptions({
    queryKey: ["audit", organization],
    queryFn: ({ pageParam, signal }) =>
      bodyOf(
        api.GET("/api/v1/organizations/{organization}/audit", {
          params: { path: { organization }, query: { after: pageParam } },
          signal,
        }),
      ),
    ...paging,
  });
}

export function statusQuery(organization: string) {
  return queryOptions({
    queryKey: [topics.status, organization],
    queryFn: ({ signal }) =>
      bodyOf(api.GET("/api/v1/organizations/{organization}/status", { ...within(organization), signal })),
    // The heartbeat's age is itself the news.
    refetchInterval: 30_000,
  });
}

function within(organization: string) {
  return { params: { path: { organization } } };
}

interface Page {
  next?: string | null;
}

const firstPage: string | undefined = undefined;

const paging = {
  initialPageParam: firstPage,
  getNextPageParam: (last: Page): string | undefined => last.next ?? undefined,
};
