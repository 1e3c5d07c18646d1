// The words of what people ask for.
import type { Override, RequestState } from "../api/types";
import type { Word } from "./state";

export const requestWord: Record<RequestState, Word> = {
  waiting: { word: "Waiting", tone: "move" },
  writing: { word: "Being written", tone: "move" },
  proposed: { word: "Proposed", tone: "wait" },
  merged: { word: "Merged", tone: "good" },
  declined: { word: "Declined", tone: "grey" },
  refused: { word: "Not written", tone: "bad" },
  withdrawn: { word: "Taken back", tone: "grey" },
};

/** Whether nothing follows. */
export function hasEnded(state: RequestState): boolean {
  return state === "merged" || state === "declined" || state === "refused" || state === "withdrawn";
}

export const overrideWord: Record<Override, string> = {
  hold: "the hold",
  freeze: "the freeze",
  schedule: "the schedule",
};
