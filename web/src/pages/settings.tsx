import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { AutomatorSettings } from "../parts/settings-automators";
import { MemberSettings } from "../parts/settings-members";
import { OrganizationSettings } from "../parts/settings-organization";
import { PasswordSettings } from "../parts/settings-password";
import { ReceiverSettings } from "../parts/settings-receivers";
import { RegistrySettings } from "../parts/settings-registries";
import { ReporterSettings } from "../parts/settings-reporters";
import { RepositorySettings } from "../parts/settings-repositories";
import { SessionSettings } from "../parts/settings-sessions";
import { TokenSettings } from "../parts/settings-tokens";
import { type SectionName, sectionNamed, sections } from "../settings-sections";
import { PageHead } from "../ui/page-head";
import { Tabs, tabClass } from "../ui/tabs";

const bodies: Record<SectionName, () => ReactNode> = {
  organization: () => <OrganizationSettings />,
  members: () => <MemberSettings />,
  repositories: () => <RepositorySettings />,
  registries: () => <RegistrySettings />,
  automators: () => <AutomatorSettings />,
  receivers: () => <ReceiverSettings />,
  reporters: () => <ReporterSettings />,
  tokens: () => <TokenSettings />,
  sessions: () => (
    <>
      <PasswordSettings />
      <SessionSettings />
    </>
  ),
};

export function SettingsPage() {
  const { section } = useParams({ from: "/app/inside/settings/$section" });
  const shown = sectionNamed(section);
  return (
    <div className="page">
      <PageHead title="Settings" />
      <Tabs label="Settings">
        {sections.map(({ name, title }) => (
          <Link key={name} to="/settings/$section" params={{ section: name }} className={tabClass}>
            {title}
          </Link>
        ))}
      </Tabs>
      <div className="pt-2">{shown && bodies[shown.name]()}</div>
    </div>
  );
}
