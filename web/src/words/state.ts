// The words and colours of every status. A tone is never alone: each has a shape and a word beside it.
import type {
  Change,
  End,
  HealthStatus,
  KnotState,
  Line,
  Link,
  Mode,
  Proposal,
  Role,
  Station,
} from "../api/types";
import type { Tone } from "../ui/tone";

export interface Word {
  word: string;
  tone: Tone;
}

export const stationWord: Record<Station, string> = {
  pushed: "Pushed",
  proposed: "Proposed",
  merged: "Merged",
  applied: "Applied",
  healthy: "Healthy",
};

export const knotWord: Record<KnotState, string> = {
  done: "done",
  moving: "happening now",
  waiting: "waiting",
  failed: "failed",
  "not-yet": "not yet",
};

export const endWord: Record<End, Word> = {
  healthy: { word: "Healthy", tone: "good" },
  superseded: { word: "Superseded", tone: "grey" },
  declined: { word: "Declined", tone: "grey" },
  reverted: { word: "Reverted", tone: "grey" },
  retired: { word: "Retired", tone: "grey" },
  "no-cluster": { word: "No cluster", tone: "grey" },
};

export const healthWord: Record<HealthStatus, Word> = {
  healthy: { word: "Healthy", tone: "good" },
  suspended: { word: "Suspended", tone: "grey" },
  progressing: { word: "Progressing", tone: "move" },
  terminating: { word: "Terminating", tone: "move" },
  unknown: { word: "Unknown", tone: "grey" },
  missing: { word: "Missing", tone: "bad" },
  degraded: { word: "Degraded", tone: "bad" },
};

export const linkWord: Record<Link, Word> = {
  "never-connected": { word: "Never connected", tone: "grey" },
  connected: { word: "Connected", tone: "good" },
  silent: { word: "Not reporting", tone: "bad" },
  late: { word: "Late", tone: "wait" },
  offline: { word: "Offline", tone: "bad" },
  revoked: { word: "Revoked", tone: "grey" },
};

/** The agent's word is old, so that no state is shown as it is now. */
export function isOld(link: Link): boolean {
  return link === "silent" || link === "late" || link === "offline";
}

export const modeWord: Record<Mode, string> = {
  commit: "Commits straight onto the branch",
  "pull-request": "Opens a pull request that a person merges",
  observe: "Observes only; nothing is written",
};

export const roleWord: Record<Role, string> = {
  viewer: "Viewer",
  operator: "Operator",
  admin: "Admin",
  owner: "Owner",
};

export const roleMeaning: Record<Role, string> = {
  viewer: "sees everything but secrets",
  operator: "also asks for tags in the environments granted to them",
  admin: "also connects repositories and clusters",
  owner: "also members, tokens of others and the organization itself",
};

const order: Role[] = ["viewer", "operator", "admin", "owner"];

/** Whether `role` may do what `needed` may. */
export function allows(role: Role, needed: Role): boolean {
  return order.indexOf(role) >= order.indexOf(needed);
}

export function rolesUpTo(role: Role): Role[] {
  return order.slice(0, order.indexOf(role) + 1);
}

/** Where the line stands now: its index, and the state of the knot there. */
export function frontier(line: Line): { index: number; state: KnotState } {
  const index = line.knots.findIndex((knot) => knot.state !== "done");
  if (index < 0) return { index: line.knots.length - 1, state: "done" };
  return { index, state: line.knots[index]?.state ?? "not-yet" };
}

/** The line in one word, for chips and screen readers. */
export function lineWord(line: Line): Word {
  if (line.end) return endWord[line.end];
  const { state, index } = frontier(line);
  if (state === "failed") return { word: "Stuck", tone: "bad" };
  if (state === "waiting") return { word: "Waiting", tone: "wait" };
  const before = line.knots[index - 1];
  return { word: before ? stationWord[before.station] : "Moving", tone: "move" };
}

export function isStuck(line: Line): boolean {
  const { state } = frontier(line);
  return !line.end && (state === "failed" || state === "waiting");
}

export function proposalWord(proposal: Proposal): string {
  return proposal.kind === "commit" ? proposal.revision.slice(0, 7) : `#${proposal.number}`;
}

/** The new tag; where the tag stays, the digest says what is new: `sha256:4b825dc642cb`. */
export function goal(change: Pick<Change, "from" | "to" | "to_digest">): string {
  return change.to_digest && change.from === change.to ? change.to_digest.slice(0, 19) : change.to;
}

/** `api 1.4.1 → 1.4.2 in prod`. */
export function changeTitle(change: Change): string {
  const image = change.image.slice(change.image.lastIndexOf("/") + 1);
  const to = goal(change);
  const tags = change.from ? `${change.from} → ${to}` : to;
  return `${image} ${tags} in ${change.environment}`;
}
