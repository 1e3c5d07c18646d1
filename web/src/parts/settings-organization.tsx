import { CopyButton } from "../ui/copy";
import { Part } from "../ui/part";
import { roleMeaning, roleWord } from "../words/state";
import { useOrganization, useSession } from "./session";

export function OrganizationSettings() {
  const { me } = useSession();
  const organization = useOrganization();
  return (
    <>
      <Part title="Organization">
        <dl className="grid max-w-xl grid-cols-[auto_1fr] items-center gap-x-8 gap-y-2">
          <dt className="text-soft">Name</dt>
          <dd>{organization.name}</dd>
          <dt className="text-soft">Id</dt>
          <dd className="flex min-w-0 items-center gap-1">
            <code className="truncate">{organization.id}</code>
            <CopyButton text={organization.id} label="Copy the organization's id" />
          </dd>
          <dt className="text-soft">Your role</dt>
          <dd>
            {roleWord[organization.role]}: {roleMeaning[organization.role]}
          </dd>
        </dl>
      </Part>
      <Part title="You">
        <dl className="grid max-w-xl grid-cols-[auto_1fr] items-center gap-x-8 gap-y-2">
          <dt className="text-soft">Name</dt>
          <dd>{me.name}</dd>
          <dt className="text-soft">E-mail</dt>
          <dd className="break-words">{me.email}</dd>
          <dt className="text-soft">GitHub</dt>
          <dd>{me.github_login ?? <span className="text-soft">not proved</span>}</dd>
        </dl>
      </Part>
    </>
  );
}
