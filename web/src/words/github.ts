const refusals: Record<string, string> = {
  "github-account-taken":
    "That GitHub account belongs to another user here. Sign out at GitHub, sign in as yourself, and connect again.",
  "github-sign-in-declined":
    "You left GitHub before the sign-in was done. Nothing was connected; connect again when you are ready.",
  "github-state-unknown":
    "That sign-in was begun in another browser, or took too long. Connect again from here.",
  "github-sign-in-refused":
    "GitHub did not accept the sign-in. Connect again; if it stays so, the App's client secret may be wrong.",
  "github-unavailable": "GitHub does not answer as it should. Connect again in a minute.",
  "github-not-configured":
    "No GitHub App is configured here. Whoever runs Heddle sets HEDDLE_GITHUB_APP_ID and its key.",
};

/** Why the way back from GitHub led here without a connection. */
export function signInRefusal(code: string): string {
  return refusals[code] ?? "The sign-in at GitHub did not succeed. Connect again.";
}
