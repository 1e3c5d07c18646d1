// Why the way to GitHub and back did not end in a proof, with what to do about it.

export interface Setback {
  what: string;
  remedy: string;
}

const setbacks: Record<string, Setback> = {
  "github-account-taken": {
    what: "This GitHub account has proved another Heddle account.",
    remedy:
      "A GitHub account stands for one person. Sign in to Heddle with that other account, or sign out at GitHub and continue there as yourself.",
  },
  "github-sign-in-declined": {
    what: "GitHub was not allowed to tell who you are.",
    remedy:
      "Nothing was connected. Continue at GitHub again and press Authorize; Heddle reads your name and which repositories you may connect.",
  },
  "github-state-unknown": {
    what: "The sign-in took too long, or was begun in another browser.",
    remedy: "Nothing was connected. Continue at GitHub again from here.",
  },
  "github-sign-in-refused": {
    what: "GitHub did not take the sign-in.",
    remedy: "Its code works once and for ten minutes. Continue at GitHub again from here.",
  },
  "github-unavailable": {
    what: "GitHub does not answer as it should.",
    remedy: "What runs keeps running. Wait a little, then continue at GitHub again.",
  },
  "github-not-configured": {
    what: "This Heddle has no GitHub App yet.",
    remedy: "Whoever runs it makes one and names it to the API; docs/self-hosting.md has the steps.",
  },
};

const known = new Map(Object.entries(setbacks));

/** In words, by the code that the API leads back with. */
export function githubSetback(code: string): Setback {
  return (
    known.get(code) ?? {
      what: "The sign-in at GitHub did not end well.",
      remedy: `Nothing was connected. Continue at GitHub again; if it stays so, tell whoever runs Heddle the code \`${code}\`.`,
    }
  );
}
