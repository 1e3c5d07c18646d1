// Commits in words.
import type { BringingPull, CommitLine, CommitSyncLine } from "../api/types";
import type { Tone } from "../ui/tone";
import { count } from "./count";

/** Whether a text names a commit well enough to be looked for: the API takes seven digits and more. */
export function isBeginning(text: string): boolean {
  return /^[0-9a-f]{7,64}$/.test(text);
}

/** Where a commit is, in a word. */
export function revisionWord(line: CommitLine): { word: string; tone: Tone } {
  switch (line.end) {
    case "healthy":
      return { word: "Healthy", tone: "good" };
    case "unchanged":
      return { word: "Changes nothing", tone: "good" };
    case "left":
      return { word: "Left since", tone: "grey" };
    case "no-sync":
      return { word: "Merged, no Sync follows", tone: "grey" };
    case "declined":
      return { word: "Not merged", tone: "grey" };
    default:
      break;
  }
  const next = line.knots.find((knot) => knot.state !== "done");
  const word = {
    pushed: "New",
    proposed: "New",
    merged: "Not merged",
    applied: "Not applied",
    healthy: "Applied",
  }[next?.station ?? "healthy"];
  if (next?.state === "failed")
    return { word: next.station === "healthy" ? "Not healthy" : word, tone: "bad" };
  return { word, tone: next?.state === "moving" ? "move" : "wait" };
}

/** `#7 Raise the limit (merged)`. */
export function pullWord(pull: BringingPull): string {
  const fate = { open: "open", merged: "merged", closed: "closed, not merged" }[pull.end.state];
  return `#${pull.number} ${pull.title} (${fate})`;
}

/** What a commit changed in a Sync. */
export function changedWord(line: CommitSyncLine): string {
  if (!line.applied.at) return "–";
  if (line.changed == null) return "Not known";
  const objects = line.changed === 0 ? "Nothing here" : count(line.changed, "object");
  // What was counted is all that came at once.
  return line.contained_in ? `${objects}, with what came with it` : objects;
}
