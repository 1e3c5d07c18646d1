// Which address shows which page, and what must be true before it does.
import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  Outlet,
  type RouterHistory,
  redirect,
  retainSearchParams,
} from "@tanstack/react-router";
import { isApiError } from "./api/problem";
import { meQuery } from "./api/queries";
import type { DriftState } from "./api/types";
import { AuditPage } from "./pages/audit";
import { BrokenPage, MissingPage } from "./pages/broken";
import { ChangePage } from "./pages/change";
import { ChangesPage } from "./pages/changes";
import { ClusterPage } from "./pages/cluster";
import { ClustersPage } from "./pages/clusters";
import { DriftPage } from "./pages/drift";
import { DriftRecordPage } from "./pages/drift-record";
import { JoinPage } from "./pages/join";
import { LoginPage } from "./pages/login";
import { NewOrganizationPage } from "./pages/new-organization";
import { OnboardingPage } from "./pages/onboarding";
import { OverviewPage } from "./pages/overview";
import { PasswordPage } from "./pages/password";
import { PastPage } from "./pages/past";
import { RevisionPage, RevisionsPage } from "./pages/revisions";
import { SettingsPage } from "./pages/settings";
import { SignUpPage } from "./pages/sign-up";
import { WorkloadsPage } from "./pages/workloads";
import { Shell } from "./parts/shell";
import { sectionNamed } from "./settings-sections";

interface Context {
  queries: QueryClient;
}

/** What stays in the address from page to page. */
interface KeptSearch {
  /** The organization, where the person has several. */
  org?: string;
  /** The environment that everything is filtered by. */
  env?: string;
}

const root = createRootRouteWithContext<Context>()({
  component: Outlet,
  validateSearch: (search): KeptSearch => ({ org: text(search.org), env: text(search.env) }),
  search: { middlewares: [retainSearchParams<KeptSearch>(["org", "env"])] },
  notFoundComponent: MissingPage,
  errorComponent: BrokenPage,
});

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  component: LoginPage,
  validateSearch: (search): { next?: string } => ({ next: ownPath(search.next) }),
});

const signUp = createRoute({
  getParentRoute: () => root,
  path: "/sign-up",
  component: SignUpPage,
  validateSearch: (search): { next?: string } => ({ next: ownPath(search.next) }),
});

/** Where an invitation's link leads, with or without a session. */
const join = createRoute({ getParentRoute: () => root, path: "/join", component: JoinPage });

/** Where a link for a new password leads. */
const password = createRoute({ getParentRoute: () => root, path: "/password", component: PasswordPage });

/** Everything that needs a session. */
const app = createRoute({
  getParentRoute: () => root,
  id: "app",
  component: Shell,
  beforeLoad: async ({ context, location }) => {
    try {
      const me = await context.queries.ensureQueryData(meQuery);
      return { organizations: me.organizations.length };
    } catch (error) {
      if (!isApiError(error, 401)) throw error;
      throw redirect({ to: "/login", search: { next: location.href === "/" ? undefined : location.href } });
    }
  },
});

const onboarding = createRoute({
  getParentRoute: () => app,
  path: "/onboarding",
  component: OnboardingPage,
  validateSearch: (search): OnboardingSearch => ({
    organization: text(search.organization),
    github: text(search.github),
  }),
  // The way back from GitHub names the organization in full.
  beforeLoad: ({ search }) => {
    const { organization, github } = search;
    if (!organization) return;
    throw redirect({ to: "/onboarding", search: { org: organization, github }, replace: true });
  },
});

interface OnboardingSearch {
  organization?: string;
  /** Why the sign-in at GitHub did not end in a proof. */
  github?: string;
}

const newOrganization = createRoute({
  getParentRoute: () => app,
  path: "/new-organization",
  component: NewOrganizationPage,
});

/** Everything that needs an organization. */
const inside = createRoute({
  getParentRoute: () => app,
  id: "inside",
  beforeLoad: ({ context }) => {
    if (context.organizations === 0) throw redirect({ to: "/onboarding" });
  },
});

const overview = createRoute({ getParentRoute: () => inside, path: "/", component: OverviewPage });

const workloads = createRoute({
  getParentRoute: () => inside,
  path: "/workloads",
  component: WorkloadsPage,
  validateSearch: (search): WorkloadSearch => ({
    q: text(search.q),
    why: text(search.why),
    in: text(search.in),
    cluster: text(search.cluster),
  }),
});

interface WorkloadSearch {
  /** Part of a name. */
  q?: string;
  /** The image whose tags are shown with their verdicts, and the environment they hold in. */
  why?: string;
  in?: string;
  /** Only what runs in this cluster. */
  cluster?: string;
}

const changes = createRoute({
  getParentRoute: () => inside,
  path: "/changes",
  component: ChangesPage,
  validateSearch: (search): { show?: "all" } => ({ show: search.show === "all" ? "all" : undefined }),
});

const change = createRoute({ getParentRoute: () => inside, path: "/changes/$change", component: ChangePage });

const clusters = createRoute({
  getParentRoute: () => inside,
  path: "/clusters",
  component: ClustersPage,
  validateSearch: (search): { add?: boolean } => ({ add: search.add === true || undefined }),
});

const cluster = createRoute({
  getParentRoute: () => inside,
  path: "/clusters/$cluster",
  component: ClusterPage,
});

const drift = createRoute({
  getParentRoute: () => inside,
  path: "/drift",
  component: DriftPage,
  validateSearch: (search): { state?: DriftState } => ({
    state: states.find((state) => state === search.state),
  }),
});

const states: DriftState[] = ["differs", "not-looked-at", "unknown", "same"];

const driftRecord = createRoute({
  getParentRoute: () => inside,
  path: "/drift/$record",
  component: DriftRecordPage,
  validateSearch: (search): { spell?: string; before?: string } => ({
    spell: text(search.spell),
    before: text(search.before),
  }),
});

const revisions = createRoute({
  getParentRoute: () => inside,
  path: "/revisions",
  component: RevisionsPage,
});

const revision = createRoute({
  getParentRoute: () => inside,
  path: "/revisions/$revision",
  component: RevisionPage,
});

const past = createRoute({
  getParentRoute: () => inside,
  path: "/past",
  component: PastPage,
  validateSearch: (search): { at?: string } => ({ at: instant(search.at) }),
});

const audit = createRoute({ getParentRoute: () => inside, path: "/audit", component: AuditPage });

const settings = createRoute({
  getParentRoute: () => inside,
  path: "/settings",
  beforeLoad: ({ location }) => {
    if (location.pathname.replace(/\/$/, "") === "/settings") {
      throw redirect({ to: "/settings/$section", params: { section: "organization" } });
    }
  },
});

const section = createRoute({
  getParentRoute: () => settings,
  path: "/$section",
  component: SettingsPage,
  beforeLoad: ({ params }) => {
    if (!sectionNamed(params.section)) {
      throw redirect({ to: "/settings/$section", params: { section: "organization" } });
    }
  },
});

const tree = root.addChildren([
  login,
  signUp,
  join,
  password,
  app.addChildren([
    onboarding,
    newOrganization,
    inside.addChildren([
      overview,
      workloads,
      changes,
      change,
      clusters,
      cluster,
      drift,
      driftRecord,
      revisions,
      revision,
      past,
      audit,
      settings.addChildren([section]),
    ]),
  ]),
]);

export function createAppRouter(queries: QueryClient, history?: RouterHistory) {
  return createRouter({
    routeTree: tree,
    history,
    context: { queries },
    scrollRestoration: true,
    notFoundMode: "root",
    defaultPendingMs: 300,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}

function text(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** An instant, in the one form in which texts can be compared. */
function instant(value: unknown): string | undefined {
  const at = Date.parse(text(value) ?? "");
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

/** A path of this dashboard; an address of another site must not come in through `next`. */
function ownPath(value: unknown): string | undefined {
  const path = text(value);
  return path && /^\/(?![/\\])/.test(path) ? path : undefined;
}
