// Words of logins to registries.
import type { LoginKind, LoginOutcome, RegistryLogin } from "../api/types";
import type { Word } from "./state";

export const loginKinds = ["basic", "ecr", "gar", "acr", "identity-token"] as const satisfies LoginKind[];

export const loginKindWord: Record<LoginKind, string> = {
  basic: "User and password or token",
  "identity-token": "Identity token",
  ecr: "Amazon ECR",
  gar: "Google Artifact Registry",
  acr: "Azure Container Registry",
};

const outcomeWord: Record<LoginOutcome, Word> = {
  works: { word: "Works", tone: "good" },
  refused: { word: "Not known there", tone: "bad" },
  denied: { word: "Lacks rights", tone: "bad" },
  "token-server": { word: "Stopped", tone: "bad" },
  failed: { word: "Could not be tried", tone: "wait" },
};

export function loginState(login: RegistryLogin): Word {
  if (login.unreadable) return { word: "Unreadable", tone: "bad" };
  return login.outcome ? outcomeWord[login.outcome] : { word: "Not used yet", tone: "grey" };
}

/** The images that it is for. */
export function loginName({ host, prefix }: Pick<RegistryLogin, "host" | "prefix">): string {
  return prefix ? `${host}/${prefix}` : host;
}

/** The kind that fits a host best, until somebody chooses another. */
export function kindOfHost(host: string): LoginKind {
  if (/\.amazonaws\.com(\.cn)?$|\.on\.aws$|^public\.ecr\.aws$/.test(host)) return "ecr";
  if (/\.pkg\.dev$|(^|\.)gcr\.io$/.test(host)) return "gar";
  if (/\.azurecr\.(io|cn|us)$/.test(host)) return "acr";
  return "basic";
}
