export const sections = [
  { name: "organization", title: "Organization" },
  { name: "members", title: "Members" },
  { name: "repositories", title: "Repositories" },
  { name: "registries", title: "Registries" },
  { name: "automators", title: "Automators" },
  { name: "receivers", title: "Receivers" },
  { name: "reporters", title: "Reporters" },
  { name: "tokens", title: "API tokens" },
  { name: "sessions", title: "Sign-in" },
] as const;

export type SectionName = (typeof sections)[number]["name"];

export function sectionNamed(name: string) {
  return sections.find((one) => one.name === name);
}
