// A first `.heddle.yaml`, from what was found: the person changes and commits it.
import { imageParts } from "./shorten";

export interface Place {
  name: string;
  path: string;
}

/** Rules for images as they run now, each within its present major version, by pull request. */
export function policyText(environments: Place[], running: string[]): string {
  const places = environments.length > 0 ? environments : [{ name: "prod", path: "clusters/prod" }];
  const rules = rulesFor(running);
  return [
    "version: 1",
    "environments:",
    ...places.map((place) => `  - {name: ${place.name}, path: ${place.path || "."}}`),
    "images:",
    ...(rules.length > 0 ? rules : [rule("ghcr.io/acme/*", ">=1.0")]),
    "",
  ].join("\n");
}

function rulesFor(running: string[]): string[] {
  const ranges = new Map<string, string>();
  for (const reference of running) {
    const { repository, tag } = imageParts(reference);
    const range = rangeOf(tag);
    if (range && !ranges.has(repository)) ranges.set(repository, range);
  }
  return [...ranges].map(([repository, range]) => rule(repository, range));
}

/** `1.4.2` → `>=1.4 <2`; what is no version gets no rule. */
function rangeOf(tag: string | undefined): string | undefined {
  const version = /^v?(\d+)\.(\d+)\.\d+$/.exec(tag ?? "");
  if (!version) return undefined;
  const [, major = "0", minor = "0"] = version;
  return `>=${major}.${minor} <${Number(major) + 1}`;
}

function rule(image: string, range: string): string {
  return [`  - name: "${image}"`, `    policy: {semver: "${range}"}`, "    mode: pull-request"].join("\n");
}

/** GitHub's editor for a new file, with its text filled in; there the person proposes it as a pull request. */
export function proposeAtGitHub(webUrl: string, branch: string, text: string): string {
  const query = new URLSearchParams({ filename: ".heddle.yaml", value: text });
  return `${webUrl}/new/${encodeURIComponent(branch)}?${query}`;
}
