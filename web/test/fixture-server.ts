// Serves the built dashboard with canned answers, for looking at it. The browser tests run against the real API.
// The cookie `fixture` picks the scene: signed-out, newcomer, github, pick, cluster, empty, calm, error; else everything.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Plugin } from "vite";
import * as data from "./fixtures";

type Answer = { status?: number; body?: unknown };

const policy =
  "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const made = {
  cluster: { ...data.clusters[2], name: "prod-eu" },
  manifest: data.manifest,
  manifest_sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  bootstrap_expires_at: new Date(Date.now() + 3_600_000).toISOString(),
  agent_image: "ghcr.io/heddle-dev/heddle-synchronizer:0.1.0",
};

const receiver = {
  id: "0190a1b2-0000-7000-8000-000000000301",
  name: "ghcr mirror",
  url: "https://heddle.acme.example/webhooks/registry/0190a1b2-0000-7000-8000-000000000301",
  last_notice_at: new Date(Date.now() - 240_000).toISOString(),
};

const token = {
  id: "0190a1b2-0000-7000-8000-000000000302",
  name: "deploy job",
  organization: data.ids.organization,
  role: "operator",
  created_at: new Date(Date.now() - 86_400_000 * 3).toISOString(),
  expires_at: new Date(Date.now() + 86_400_000 * 27).toISOString(),
  last_used_at: new Date(Date.now() - 60_000).toISOString(),
};

const sessions = [
  ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", true],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1",
    false,
  ],
].map(([user_agent, current], index) => ({
  id: `0190a1b2-0000-7000-8000-00000000031${index}`,
  created_at: new Date(Date.now() - 86_400_000 * (index + 1)).toISOString(),
  last_used_at: new Date(Date.now() - 60_000 * (index * 400 + 1)).toISOString(),
  user_agent,
  current,
}));

const steps: Record<string, number> = { github: 1, pick: 1, cluster: 2, agent: 3, policy: 4 };

function answer(method: string, path: string, query: URLSearchParams, scene: string): Answer {
  const inside = path.replace(/^\/organizations\/[^/]+/, "");
  const environment = query.get("environment");
  const bare = scene === "empty" || scene in steps;
  const inEnvironment = <T extends { environment?: string | null }>(all: T[]) =>
    environment ? all.filter((one) => one.environment === environment) : all;
  if (scene === "signed-out") return problem(401, "unauthorized", "Sign in first.");
  if (scene === "error" && path !== "/me")
    return problem(503, "unavailable", "The database does not answer.");
  if (method === "DELETE" || method === "PUT") return { status: 204 };
  if (method === "POST") return posted(path, inside);
  const change = inside.match(/^\/changes\/(.+)$/)?.[1];
  if (change) {
    const found = data.changes.find((one) => one.id === change);
    return found ? { body: data.detailOf(found) } : problem(404, "not-found", "There is no such change.");
  }
  const request = inside.match(/^\/requests\/(.+)$/)?.[1];
  if (request) return { body: data.requests.find((one) => one.id === request) };
  const cluster = inside.match(/^\/clusters\/(.+)$/)?.[1];
  if (cluster) return { body: data.clusters.find((one) => one.id === cluster) };
  const record = inside.match(/^\/drift\/(.+)$/)?.[1];
  if (record) return { body: data.driftDetail };
  if (inside.startsWith("/revisions/")) return { body: data.where };
  const bodies: Record<string, unknown> = {
    "/past": bare ? { at: query.get("at"), known_since: null, items: [], next: null } : data.past,
    "/drift": bare
      ? { items: [], counts: { same: 0, differs: 0, unknown: 0, not_looked_at: 0 } }
      : data.drift,
    "/reporters": bare ? [] : data.reporters,
    "/me": scene === "newcomer" ? data.newcomer : data.me,
    "/sessions": sessions,
    "/tokens": [token],
    "/onboarding": scene in steps ? data.onboardingAt(steps[scene] ?? 0) : data.onboardingDone,
    "/github/repositories": ["acme/config", "acme/infrastructure"].map((name) => ({
      installation_id: 4711,
      name,
      default_branch: "main",
      private: true,
      connected: false,
    })),
    "/repositories": scene === "empty" || scene === "github" || scene === "pick" ? [] : data.repositories,
    "/findings": bare || scene === "calm" ? [] : data.findings,
    "/receivers": bare ? [] : [receiver],
    "/automators": bare ? [] : data.ownAutomators,
    "/registry-logins": bare ? { missing: null, logins: [] } : data.registryLogins,
    "/clusters": bare ? [] : data.clusters,
    "/changes": bare
      ? { items: [], counts: { in_flight: 0, stuck: 0, healthy_today: 0 } }
      : {
          items: inEnvironment(data.changes)
            .filter((one) => scene !== "calm" || one.line.end)
            .filter((one) => query.get("state") !== "in-flight" || !one.line.end)
            .filter((one) => query.get("state") !== "ended" || one.line.end),
          counts: scene === "calm" ? { in_flight: 0, stuck: 0, healthy_today: 12 } : data.counts,
        },
    "/workloads": bare
      ? { items: [], total: 0 }
      : { items: inEnvironment(data.workloads), total: inEnvironment(data.workloads).length },
    "/verdicts": {
      image: query.get("image"),
      environment,
      current: "1.4.1",
      rule: "`.heddle.yaml:9`: versions in >=1.2 <2, by pull request",
      scanned_at: new Date(Date.now() - 41_000).toISOString(),
      scan_error: null,
      tags: data.verdicts,
    },
    "/requests": {
      items: bare || scene === "calm" ? [] : data.requests.filter(isAskedFor(query.get("state"))),
    },
    "/holds": bare || scene === "calm" ? [] : data.holds,
    "/members": data.members,
    "/invitations": data.invitations,
    "/audit": { items: data.audit },
    "/status":
      scene === "calm"
        ? data.calm
        : bare
          ? { ...data.calm, clusters: 0, clusters_connected: 0 }
          : data.status,
  };
  if (inside === "/github/repositories" && scene === "github") {
    return problem(403, "github-not-proved", "Sign in at GitHub first.");
  }
  const body = bodies[inside];
  return body === undefined ? problem(404, "not-found", "There is no such route.") : { body };
}

function isAskedFor(state: string | null) {
  const ended = ["merged", "declined", "refused", "withdrawn"];
  return ({ state: own }: { state: string }) => state !== "open" || !ended.includes(own);
}

function posted(path: string, inside: string): Answer {
  const bodies: Record<string, unknown> = {
    "/clusters": made,
    "/receivers": {
      receiver,
      secret: "hdr_Vf2m9c0y1s8tQxw4",
      configuration: "notifications:\n  endpoints:\n    - name: heddle\n",
    },
    "/reporters": {
      reporter: data.reporters[0],
      token: "hdlp_9fceb02d0ae598e95dc970b74767f19372d61af8",
      command: "heddle diff terraform 'infra/prod' --report prod",
    },
    "/invitations": {
      ...data.invitations[0],
      code: "hdi_9fceb02d0ae598e95dc970b74767f19372d61af8",
    },
    "/repositories": data.repositories[0],
    "/requests": data.requests[0],
    "/requests/preview": data.release,
    "/organizations": data.me.organizations[0],
  };
  if (path === "/login" || path === "/sign-up") return { body: data.me };
  if (path === "/tokens")
    return { status: 201, body: { token, secret: "hdt_4b825dc642cb6eb9a060e54bf8d69288fbee4904" } };
  if (path === "/logout") return { status: 204 };
  return { status: 201, body: bodies[inside || path] };
}

function problem(status: number, code: string, message: string): Answer {
  return { status, body: { status, code, message, request_id: "0190a1b2c3d4e5f60718293a4b5c6d7e" } };
}

function handle(request: IncomingMessage, response: ServerResponse, next: () => void) {
  const url = new URL(request.url ?? "/", "http://localhost");
  response.setHeader("content-security-policy", policy);
  if (!url.pathname.startsWith("/api/v1")) return next();
  if (url.pathname.endsWith("/events")) {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(": hello\n\n");
    return;
  }
  const scene = /\bfixture=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1] ?? "full";
  const { status = 200, body } = answer(
    request.method ?? "GET",
    url.pathname.slice("/api/v1".length),
    url.searchParams,
    scene,
  );
  const type = status >= 400 ? "application/problem+json" : "application/json";
  response.writeHead(status, { "content-type": type }).end(body === undefined ? undefined : fresh(body));
}

const started = Date.now();

/** Times stay as far from now as they were when the server started. */
function fresh(body: unknown): string {
  const passed = Date.now() - started;
  return JSON.stringify(body).replace(/"(\d{4}-\d\d-\d\dT[\d:.]+Z)"/g, (_, time: string) =>
    JSON.stringify(new Date(Date.parse(time) + passed).toISOString()),
  );
}

export function fixtureApi(): Plugin {
  return {
    name: "heddle-fixture-api",
    configurePreviewServer: (server) => {
      server.middlewares.use(handle);
    },
    configureServer: (server) => {
      server.middlewares.use(handle);
    },
  };
}
