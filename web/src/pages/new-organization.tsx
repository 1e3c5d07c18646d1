import { OrganizationForm } from "../parts/organization-form";
import { useSession } from "../parts/session";
import { PageHead } from "../ui/page-head";

export function NewOrganizationPage() {
  const { choose } = useSession();
  return (
    <div className="page">
      <PageHead title="New organization">
        It has repositories, clusters and members of its own; nothing is shared between organizations.
      </PageHead>
      <div className="max-w-sm">
        <OrganizationForm onMade={choose} />
      </div>
    </div>
  );
}
