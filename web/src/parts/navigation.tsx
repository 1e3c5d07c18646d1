import { Link, type LinkProps } from "@tanstack/react-router";
import {
  Boxes,
  CircleGauge,
  GitCommitHorizontal,
  GitCompareArrows,
  GitPullRequestArrow,
  History,
  type LucideIcon,
  ScrollText,
  Server,
  Settings,
} from "lucide-react";

export interface Entry {
  to: NonNullable<LinkProps["to"]>;
  name: string;
  icon: LucideIcon;
  /** Pressed after `g`. */
  key: string;
  /** On a phone it stands in the menu at the top, since the bar at the bottom has room for six. */
  above?: boolean;
}

export const entries: Entry[] = [
  { to: "/", name: "Overview", icon: CircleGauge, key: "o" },
  { to: "/workloads", name: "Workloads", icon: Boxes, key: "w" },
  { to: "/changes", name: "Changes", icon: GitPullRequestArrow, key: "c" },
  { to: "/clusters", name: "Clusters", icon: Server, key: "l" },
  { to: "/drift", name: "Drift", icon: GitCompareArrows, key: "d" },
  { to: "/revisions", name: "Commits", icon: GitCommitHorizontal, key: "r", above: true },
  { to: "/past", name: "History", icon: History, key: "h", above: true },
  { to: "/audit", name: "Audit", icon: ScrollText, key: "a", above: true },
  { to: "/settings", name: "Settings", icon: Settings, key: "s" },
];

const below = entries.filter((entry) => !entry.above);

/** What a phone has no room for at the bottom. */
export const above = entries.filter((entry) => entry.above);

export function SideNavigation() {
  return (
    <nav aria-label="Pages">
      <ul className="space-y-0.5">
        {entries.map(({ to, name, icon: Icon }) => (
          <li key={name}>
            <Link
              to={to}
              activeOptions={{ exact: to === "/", includeSearch: false }}
              className="flex h-9 items-center gap-3 rounded px-3 text-soft hover:bg-sunk hover:text-ink aria-[current=page]:bg-sunk aria-[current=page]:font-semibold aria-[current=page]:text-ink"
            >
              <Icon size={17} strokeWidth={1.75} aria-hidden />
              {name}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

export function BottomNavigation() {
  return (
    <nav
      aria-label="Pages"
      className="fixed inset-x-0 bottom-0 z-30 border-t border-line bg-surface md:hidden"
    >
      <ul className="grid grid-cols-6 pb-[env(safe-area-inset-bottom)]">
        {below.map(({ to, name, icon: Icon }) => (
          <li key={name}>
            <Link
              to={to}
              activeOptions={{ exact: to === "/", includeSearch: false }}
              className="flex h-14 flex-col items-center justify-center gap-1 text-xs tracking-tight text-soft aria-[current=page]:font-semibold aria-[current=page]:text-ink"
            >
              <Icon size={19} strokeWidth={1.75} aria-hidden />
              {name}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
