// One organization in every state that the pages can show. Times count from when this was made.
import type {
  AuditEntry,
  Change,
  ChangeDetail,
  Cluster,
  End,
  Finding,
  Knot,
  KnotState,
  Line,
  Me,
  Onboarding,
  Repository,
  Rollout,
  Station,
  Status,
  Sync,
  Verdict,
  Workload,
} from "../src/api/types";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const stations: Station[] = ["pushed", "proposed", "merged", "applied", "healthy"];

export const ids = {
  organization: "0190a1b2-0000-7000-8000-000000000001",
  other: "0190a1b2-0000-7000-8000-000000000002",
  user: "0190a1b2-0000-7000-8000-000000000003",
  repository: "0190a1b2-0000-7000-8000-000000000010",
  prod: "0190a1b2-0000-7000-8000-000000000020",
  staging: "0190a1b2-0000-7000-8000-000000000021",
  edge: "0190a1b2-0000-7000-8000-000000000022",
};

const now = Date.now();
const ago = (ms: number) => new Date(now - ms).toISOString();
const revision = (seed: string) => seed.repeat(40).slice(0, 40);

interface LineSpec {
  /** When it was pushed. */
  age: number;
  /** How long each later station took. */
  took: number[];
  /** The knot after the reached ones. */
  next?: KnotState;
  reason?: string;
  end?: End;
}

function lineOf({ age, took, next: follows, reason, end }: LineSpec): Line {
  let at = age;
  const knots = stations.map((station, index): Knot => {
    if (index === 0) return { station, state: "done", at: ago(at), inferred: false };
    const step = took[index - 1];
    if (step !== undefined) {
      at -= step;
      return { station, state: "done", at: ago(at), inferred: false, took_ms: step };
    }
    const isNext = index === took.length + 1 && !end;
    return { station, state: isNext ? (follows ?? "moving") : "not-yet", inferred: false };
  });
  return {
    knots,
    end: end ?? null,
    ended_at: end ? ago(Math.max(0, at)) : null,
    reason: reason ?? null,
    since: reason ? ago(at) : null,
    rollouts: [],
  };
}

let made = 100;

function change(
  image: string,
  from: string,
  to: string,
  environment: string,
  pull: number | undefined,
  spec: LineSpec,
): Change {
  made += 1;
  return {
    id: `0190a1b2-0000-7000-8000-000000000${made}`,
    repository: "acme/config",
    branch: "main",
    environment,
    image: `ghcr.io/acme/${image}`,
    from,
    to,
    mode: pull ? "pull-request" : "commit",
    line: lineOf(spec),
    proposal:
      spec.took.length === 0
        ? null
        : pull
          ? { kind: "pull-request", number: pull, url: `https://github.com/acme/config/pull/${pull}` }
          : {
              kind: "commit",
              revision: revision("c0ffee1"),
              url: "https://github.com/acme/config/commit/c0ffee1",
            },
    created_at: ago(spec.age),
  };
}

export const changes: Change[] = [
  change("api", "1.4.1", "1.4.2", "prod", 41, {
    age: 18 * minute + 12 * second,
    took: [400],
    next: "waiting",
    reason: "waits for #41 to be merged",
  }),
  change("web", "2.9.0", "2.10.0", "staging", undefined, { age: 14 * second, took: [380, 510, 900] }),
  change("worker", "0.31.4", "0.32.0", "prod", 40, {
    age: 52 * minute,
    took: [600, 31 * minute, 1_400],
    next: "failed",
    reason: "pod worker-7d9c4-x2x8v, container worker: CrashLoopBackOff, exit code 1",
  }),
  change("billing", "3.2.0", "3.3.0", "prod", undefined, {
    age: 3 * hour + 4 * minute,
    took: [],
    next: "waiting",
    reason: "frozen until 3 January 09:00 (Berlin): holidays, `.heddle.yaml:31`",
  }),
  change("search", "8.0.1", "8.0.2", "staging", 39, { age: 3 * second, took: [420], next: "moving" }),
  change("api", "1.4.1", "1.4.2", "staging", undefined, {
    age: 19 * minute,
    took: [310, 450, 620, 2_300],
    end: "healthy",
  }),
  change("web", "2.8.3", "2.9.0", "prod", 38, {
    age: 5 * hour,
    took: [500, 42 * minute, 700, 3_100],
    end: "healthy",
  }),
  change("billing", "3.1.9", "3.2.0", "staging", 37, {
    age: 7 * hour,
    took: [450, 12 * minute],
    end: "reverted",
  }),
  change("worker", "0.31.2", "0.31.3", "prod", 36, { age: day, took: [480], end: "superseded" }),
  change("search", "8.0.0", "8.0.1", "prod", 35, { age: 2 * day, took: [510], end: "declined" }),
];

export const counts = { in_flight: 5, stuck: 3, healthy_today: 12 };

export const me: Me = {
  id: ids.user,
  email: "ada@acme.example",
  name: "Ada Lovelace",
  organizations: [
    { id: ids.organization, name: "Acme", role: "owner" },
    { id: ids.other, name: "Acme Labs", role: "viewer" },
  ],
  github_login: "ada",
};

export const newcomer: Me = { ...me, organizations: [] };

export const repositories: Repository[] = [
  {
    id: ids.repository,
    name: "acme/config",
    url: "https://github.com/acme/config",
    web_url: "https://github.com/acme/config",
    default_branch: "main",
    read_at: ago(40 * second),
    head: revision("4b825dc"),
    error: null,
    environments: [
      { name: "staging", path: "clusters/staging", branch: "main", implicit: false },
      { name: "prod", path: "clusters/prod", branch: "main", implicit: false },
    ],
    images: 14,
  },
];

export const findings: Finding[] = [
  {
    repository: "acme/config",
    branch: "main",
    file: ".heddle.yaml",
    line: 14,
    column: 13,
    code: "unknown-key",
    message:
      "`semvr` is no key of a policy; the nearest right word is `semver`. This rule writes nothing until it is mended.",
    blocks: true,
    url: "https://github.com/acme/config/blob/main/.heddle.yaml#L14",
  },
  {
    repository: "acme/config",
    branch: "main",
    file: "clusters/prod/search.yaml",
    line: 22,
    column: 16,
    code: "tag-and-digest",
    message: "The image has a tag and a digest; the digest decides what runs, so the tag is not changed.",
    blocks: false,
    url: "https://github.com/acme/config/blob/main/clusters/prod/search.yaml#L22",
  },
];

const conditions = (ready: boolean, message: string): Sync["conditions"] => [
  {
    kind: "Ready",
    status: ready ? "True" : "False",
    reason: ready ? "Applied" : "ApplyFailed",
    message,
    since: ago(20 * minute),
  },
  { kind: "Fetched", status: "True", reason: "Fetched", message: "read 4b825dc", since: ago(3 * day) },
  {
    kind: "Applied",
    status: ready ? "True" : "False",
    reason: ready ? "Applied" : "Invalid",
    message,
    since: ago(20 * minute),
  },
];

function sync(name: string, path: string, environment: string): Sync {
  return {
    sync: { namespace: "heddle-system", name },
    repository: "https://github.com/acme/config",
    connected: true,
    branch: "main",
    path,
    environment,
    suspended: false,
    applied_revision: revision("4b825dc"),
    attempted_revision: revision("4b825dc"),
    health: "healthy",
    objects: 42,
    conditions: conditions(true, "42 objects applied at 4b825dc"),
    errors: [],
    drifts: [],
    stopped_prune: null,
    reported_at: ago(12 * second),
  };
}

const agent = { version: "0.1.0", kubernetes_version: "v1.33.2", started_at: ago(9 * day) };

const key = (id: string) => ({
  id: `0190a1b2-0000-7000-8000-0000000000${id}`,
  created_at: ago(9 * day),
  last_used_at: ago(12 * second),
  revoked_at: null,
});

export const clusters: Cluster[] = [
  {
    id: ids.prod,
    name: "prod-eu",
    link: "connected",
    last_seen_at: ago(12 * second),
    agent,
    keys: [key("a1")],
    syncs: [
      {
        ...sync("shop", "clusters/prod", "prod"),
        health: "degraded",
        attempted_revision: revision("9fceb02"),
        conditions: conditions(false, "2 of 44 objects could not be applied"),
        errors: [
          {
            file: "clusters/prod/worker.yaml",
            line: 18,
            object: "Deployment shop/worker",
            message: "unknown field `spec.template.spec.container`; the nearest right word is `containers`",
          },
          {
            file: "clusters/prod/cache/kustomization.yaml",
            line: null,
            object: null,
            message: "`redis.yaml` is listed under resources and does not exist",
          },
        ],
        drifts: [
          {
            object: "Deployment shop/web",
            manager: "kubectl-edit",
            fields: ["spec.replicas"],
            at: ago(2 * hour),
            healed_at: ago(2 * hour - 3 * second),
          },
          {
            object: "ConfigMap shop/flags",
            manager: null,
            fields: [],
            at: ago(3 * day),
            healed_at: ago(3 * day),
          },
        ],
        stopped_prune: {
          plan: "9f2c1ab0",
          reason: "The path holds no manifest any more, so everything would be deleted.",
          objects: ["Deployment shop/api", "Deployment shop/web", "Service shop/api", "Service shop/web"],
          count: 42,
        },
      },
      sync("monitoring", "clusters/prod-monitoring", "prod"),
    ],
    workloads: 23,
    created_at: ago(9 * day),
  },
  {
    id: ids.staging,
    name: "staging",
    link: "offline",
    last_seen_at: ago(7 * minute + 10 * second),
    agent,
    keys: [key("a2")],
    syncs: [{ ...sync("shop", "clusters/staging", "staging"), reported_at: ago(7 * minute) }],
    workloads: 12,
    created_at: ago(9 * day),
  },
  {
    id: ids.edge,
    name: "edge-1",
    link: "never-connected",
    last_seen_at: null,
    agent: null,
    keys: [],
    syncs: [],
    workloads: 0,
    created_at: ago(4 * minute),
  },
];

interface WorkloadSpec {
  name: string;
  cluster: "prod" | "staging";
  running: string;
  desired?: string | null;
  newest?: string | null;
  state: string;
  change?: string;
  health?: Workload["health"];
  reason?: string;
  kind?: string;
}

function workload(spec: WorkloadSpec): Workload {
  const away = spec.cluster === "staging";
  const desired = spec.desired === undefined ? spec.running : spec.desired;
  return {
    cluster: ids[spec.cluster],
    cluster_name: away ? "staging" : "prod-eu",
    sync: { namespace: "heddle-system", name: "shop" },
    environment: spec.cluster,
    kind: spec.kind ?? "Deployment",
    namespace: "shop",
    name: spec.name,
    health: spec.health ?? "healthy",
    reason: spec.reason ?? null,
    since: ago(21 * minute),
    images: [
      {
        running: { container: spec.name, image: `ghcr.io/acme/${spec.name}:${spec.running}` },
        desired,
        newest: spec.newest === undefined ? desired : spec.newest,
        governed: spec.newest !== null,
        change: spec.change ?? null,
      },
    ],
    state: spec.state,
    reported_at: away ? ago(7 * minute) : ago(12 * second),
    link: away ? "offline" : "connected",
  };
}

export const workloads: Workload[] = [
  workload({
    name: "api",
    cluster: "prod",
    running: "1.4.1",
    newest: "1.4.2",
    state: "1.4.2 waits in #41",
    change: changes[0]?.id,
  }),
  workload({
    name: "billing",
    cluster: "prod",
    running: "3.2.0",
    newest: "3.3.0",
    state: "3.3.0 is frozen until 3 January",
    change: changes[3]?.id,
  }),
  workload({
    name: "cache",
    cluster: "prod",
    running: "7.2.4-alpine",
    newest: null,
    state: "nothing updates it",
    kind: "StatefulSet",
  }),
  workload({
    name: "nightly-report",
    cluster: "prod",
    running: "0.9.1",
    state: "up to date",
    kind: "CronJob",
    health: "suspended",
  }),
  workload({
    name: "search",
    cluster: "prod",
    running: "8.0.0",
    newest: "8.0.0",
    state: "8.0.1 was declined",
  }),
  workload({ name: "web", cluster: "prod", running: "2.9.0", state: "up to date" }),
  workload({
    name: "worker",
    cluster: "prod",
    running: "0.32.0",
    state: "up to date",
    change: changes[2]?.id,
    health: "degraded",
    reason: "container worker: CrashLoopBackOff, exit code 1",
  }),
  workload({ name: "api", cluster: "staging", running: "1.4.2", state: "up to date" }),
  workload({
    name: "web",
    cluster: "staging",
    running: "2.9.0",
    desired: "2.10.0",
    state: "2.10.0 is being applied",
    change: changes[1]?.id,
    health: "progressing",
  }),
];

const verdict = (tag: string, rule: string, reason: string): Verdict => ({
  tag,
  verdict: "passed-over",
  rule,
  reason,
});

export const verdicts: Verdict[] = [
  { tag: "1.4.2", verdict: "chosen", rule: "semver", reason: "the highest version in >=1.2 <2" },
  verdict("2.0.0-rc.1", "semver", "a pre-release, and the range >=1.2 <2 names none"),
  verdict("1.4.1", "lower", "lower than 1.4.2"),
  verdict("1.4.0", "barred", "taken back in #31 by grace"),
  verdict("1.3.9", "lower", "lower than 1.4.2"),
  verdict("1.1.0", "semver", "outside >=1.2 <2"),
  verdict("main-4b825dc", "version", "no version"),
  verdict("latest", "version", "no version"),
];

export const status: Status = {
  automator_seen_at: ago(4 * second),
  scanned_at: ago(41 * second),
  failing_images: [
    {
      image: "quay.io/acme/exporter",
      reason: "the registry answered 429, and is asked again at 10:40",
      since: ago(26 * minute),
    },
  ],
  clusters_connected: 1,
  clusters: 3,
  blocking_findings: 1,
};

export const calm: Status = { ...status, failing_images: [], clusters_connected: 3, blocking_findings: 0 };

export const onboardingDone: Onboarding = {
  github_install_url: "https://github.com/apps/heddle/installations/new",
  steps: [
    { step: "organization", done: true, message: "Acme" },
    { step: "git-hub", done: true, message: "acme/config, branch main" },
    { step: "cluster", done: true, message: "prod-eu was added" },
    { step: "agent", done: true, message: "agent connected, 23 workloads seen" },
    { step: "policy", done: true, message: "14 images follow a policy" },
  ],
};

export function onboardingAt(done: number): Onboarding {
  const todo = [
    "make an organization",
    "connect the repository that says what runs",
    "add the cluster that should follow it",
    "nothing was heard of an agent yet",
    "no rule governs an image yet",
  ];
  return {
    ...onboardingDone,
    steps: onboardingDone.steps.map((step, index) =>
      index < done ? step : { ...step, done: false, message: todo[index] ?? "" },
    ),
  };
}

export const audit: AuditEntry[] = [
  ["ada@acme.example", "session", "cluster.create", "edge-1", { namespaces: ["shop"] }],
  ["heddle", "automator", "proposal.open", "acme/config#41", { image: "ghcr.io/acme/api", tag: "1.4.2" }],
  ["grace@acme.example", "session", "token.create", "deploy job", { role: "operator", days: 90 }],
  ["prod-eu", "agent", "cluster.enroll", "prod-eu", { version: "0.1.0" }],
  ["ada", "github", "pull-request.merge", "acme/config#40", {}],
  ["ada@acme.example", "session", "repository.connect", "acme/config", { installation: 4711 }],
].map(([actor, via, action, object, details], index) => ({
  id: `0190a1b2-0000-7000-8000-00000000020${index}`,
  at: ago((index * index * 17 + 4) * minute),
  actor: String(actor),
  via: String(via),
  action: String(action),
  object: String(object),
  details,
  request_id: `0190a1b2c3d4e5f60718293a4b5c6d${index}f`,
}));

function rollout(state: Partial<Rollout>, applied: Knot, healthy: Knot, reason?: string): Rollout {
  const name = { namespace: "heddle-system", name: "shop" };
  return {
    cluster: ids.prod,
    cluster_name: "prod-eu",
    sync: name,
    link: "connected",
    last_seen_at: ago(12 * second),
    revision: revision("9fceb02"),
    line: {
      rollout: { cluster: ids.prod, sync: name },
      applied,
      healthy,
      reason: reason ?? null,
      left_out: false,
    },
    ...state,
  };
}

/** The page of a change, with one cluster stuck and one away where the change came that far. */
export function detailOf(change: Change): ChangeDetail {
  const applied = change.line.knots[3];
  const healthy = change.line.knots[4];
  const merged = change.line.knots[2]?.state === "done";
  const file = `clusters/${change.environment}/kustomization.yaml`;
  const name = change.image.slice(change.image.lastIndexOf("/") + 1);
  return {
    change,
    places: [{ file, line: 14, object: "Kustomization", field: `images[name=${name}].newTag` }],
    diff: `--- a/${file}\n+++ b/${file}\n@@ -11,5 +11,5 @@\n images:\n   - name: ${name}\n     newName: ${change.image}\n-    newTag: ${change.from}\n+    newTag: ${change.to}\n`,
    why: `${change.to} is the highest version in >=1.2 <2 (.heddle.yaml:9). ${change.from} stood there; 2.0.0-rc.1 was passed over because it is a pre-release.`,
    rollouts:
      merged && applied && healthy
        ? [
            rollout({}, applied, healthy, change.line.reason ?? undefined),
            rollout(
              { cluster: ids.staging, cluster_name: "prod-us", link: "late", last_seen_at: ago(3 * minute) },
              applied,
              { ...healthy, state: change.line.end ? healthy.state : "moving" },
            ),
          ]
        : [],
  };
}

export const manifest = `# Heddle's agent for prod-eu. It only makes connections outwards.
apiVersion: v1
kind: Namespace
metadata:
  name: heddle-system
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: heddle-synchronizer
  namespace: heddle-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: heddle-deployer
  namespace: shop
rules:
  - apiGroups: ["", apps, batch]
    resources: ["*"]
    verbs: [get, list, watch, create, patch, delete]
`;
