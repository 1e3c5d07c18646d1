import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ChevronsUpDown, CircleUser, Search } from "lucide-react";
import { useId } from "react";
import { api, done } from "../api/client";
import { repositoriesQuery } from "../api/queries";
import type { Organization } from "../api/types";
import { Select } from "../ui/field";
import { Menu, MenuChoice, MenuItem, MenuLine, MenuNote, MenuSwitch } from "../ui/menu";
import { LiveDot } from "./live";
import { Logo } from "./logo";
import { above } from "./navigation";
import { useDensity, useSingleKeys, useTheme } from "./preferences";
import { useEnvironment, useSession } from "./session";

export function TopBar({ onSearch, onKeys }: { onSearch: () => void; onKeys: () => void }) {
  const { organization } = useSession();
  return (
    <header className="sticky top-0 z-20 flex h-14 items-center gap-2 border-b border-line bg-paper px-4 md:gap-4 md:px-8">
      <div className="flex min-w-0 flex-1 items-center gap-2 md:hidden">
        <OrganizationSwitch small />
      </div>
      {organization && (
        <>
          <button
            type="button"
            onClick={onSearch}
            className="flex size-9 items-center justify-center gap-2.5 rounded border-field text-soft hover:bg-sunk md:h-9 md:w-72 md:justify-start md:border md:bg-surface md:px-3"
          >
            <Search size={16} aria-hidden />
            <span className="sr-only md:not-sr-only">Search</span>
            <kbd className="ml-auto hidden rounded-sm border border-line px-1.5 text-xs md:block" aria-hidden>
              /
            </kbd>
          </button>
          <EnvironmentFilter organization={organization} />
        </>
      )}
      <div className="ml-auto flex items-center gap-2 md:gap-4">
        {organization && <LiveDot />}
        <UserMenu onKeys={onKeys} />
      </div>
    </header>
  );
}

const everywhere = "";

function EnvironmentFilter({ organization }: { organization: Organization }) {
  const id = useId();
  const navigate = useNavigate();
  const environment = useEnvironment();
  const { data: repositories } = useQuery(repositoriesQuery(organization.id));
  const names = new Set(repositories?.flatMap((one) => one.environments.map((each) => each.name)));
  if (environment) names.add(environment);
  if (names.size === 0) return null;
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="sr-only">
        Environment
      </label>
      <Select
        id={id}
        value={environment ?? everywhere}
        choices={[
          { value: everywhere, label: "Everywhere" },
          ...[...names].map((name) => ({ value: name, label: name })),
        ]}
        onChoose={(next) =>
          void navigate({ to: ".", search: (search) => ({ ...search, env: next || undefined }) })
        }
        className="h-9 w-full max-w-32 rounded border border-field bg-surface px-2 text-sm text-ink md:max-w-48"
      />
    </div>
  );
}

export function OrganizationSwitch({ small }: { small?: boolean }) {
  const { me, organization, choose } = useSession();
  const navigate = useNavigate();
  if (!organization) return small ? <Logo /> : null;
  return (
    <Menu
      trigger={
        <button
          type="button"
          className={
            small
              ? "flex h-9 min-w-0 items-center gap-1.5 rounded font-semibold"
              : "flex h-9 w-full min-w-0 items-center gap-2 rounded border border-line bg-surface px-3 font-semibold hover:bg-sunk"
          }
        >
          <span className="sr-only">Organization: </span>
          <span className="truncate">{organization.name}</span>
          <ChevronsUpDown size={14} className="ml-auto shrink-0 text-soft" aria-hidden />
        </button>
      }
    >
      <MenuChoice
        label="Organization"
        value={organization.id}
        choices={me.organizations.map((one) => ({ value: one.id, label: one.name }))}
        onChoose={choose}
      />
      <MenuLine />
      <MenuItem onSelect={() => void navigate({ to: "/new-organization" })}>New organization</MenuItem>
    </Menu>
  );
}

function UserMenu({ onKeys }: { onKeys: () => void }) {
  const { me } = useSession();
  const navigate = useNavigate();
  const [theme, setTheme] = useTheme();
  const [density, setDensity] = useDensity();
  const [keys, setKeys] = useSingleKeys();
  const signOut = () => {
    // The page begins anew, so nothing that was read stays in memory.
    done(api.POST("/api/v1/logout")).finally(() => location.assign("/login"));
  };
  return (
    <Menu
      align="end"
      trigger={
        <button
          type="button"
          className="flex size-9 items-center justify-center rounded text-soft hover:bg-sunk hover:text-ink"
          aria-label={`You: ${me.name}`}
          title={me.name}
        >
          <CircleUser size={20} strokeWidth={1.75} aria-hidden />
        </button>
      }
    >
      <MenuNote>
        <span className="block text-sm font-semibold text-ink">{me.name}</span>
        {me.email}
      </MenuNote>
      <MenuLine />
      <MenuChoice
        label="Theme"
        value={theme}
        onChoose={setTheme}
        choices={[
          { value: "system", label: "As the system" },
          { value: "light", label: "Light" },
          { value: "dark", label: "Dark" },
        ]}
      />
      <MenuChoice
        label="Rows"
        value={density}
        onChoose={setDensity}
        choices={[
          { value: "roomy", label: "Roomy" },
          { value: "dense", label: "Dense" },
        ]}
      />
      <MenuLine />
      <MenuSwitch checked={keys === "on"} onChange={(on) => setKeys(on ? "on" : "off")}>
        Single keys
      </MenuSwitch>
      <MenuItem onSelect={onKeys}>Keyboard</MenuItem>
      {above.map((entry) => (
        <MenuItem key={entry.name} onSelect={() => void navigate({ to: entry.to })}>
          {entry.name}
        </MenuItem>
      ))}
      <MenuItem onSelect={() => void navigate({ to: "/settings/$section", params: { section: "sessions" } })}>
        Your sessions
      </MenuItem>
      <MenuLine />
      <MenuItem onSelect={signOut}>Sign out</MenuItem>
    </Menu>
  );
}
