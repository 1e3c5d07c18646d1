// The whole dashboard at an address, with an API of a few canned answers.
import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import { vi } from "vitest";
import { createQueries } from "../src/api/cache";
import { createAppRouter } from "../src/router";

export type Answers = Record<string, { status?: number; body?: unknown }>;

/** Answers by `METHOD path`, the path without `/api/v1` and the organization. What is not listed is a 404. */
export function showApp(address: string, answers: Answers) {
  const asked: { call: string; body: unknown }[] = [];
  vi.stubGlobal("EventSource", QuietSource);
  vi.stubGlobal("scrollTo", () => undefined);
  vi.stubGlobal("fetch", async (request: Request) => {
    const path = new URL(request.url).pathname
      .replace(/^\/api\/v1/, "")
      .replace(/^\/organizations\/[^/]+/, "");
    const call = `${request.method} ${path || "/organizations"}`;
    const text = await request.text();
    asked.push({ call, body: text ? JSON.parse(text) : undefined });
    const { status = 200, body } = answers[call] ?? {
      status: 404,
      body: { status: 404, code: "not-found", message: `There is no ${call}.`, request_id: "r1" },
    };
    return new Response(body === undefined ? null : JSON.stringify(body), {
      status,
      headers: { "content-type": "application/json" },
    });
  });
  const queries = createQueries(() => undefined);
  queries.setDefaultOptions({ queries: { retry: false } });
  const router = createAppRouter(queries, createMemoryHistory({ initialEntries: [address] }));
  render(
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
  return { router, asked };
}

/** A stream that never says anything. */
class QuietSource extends EventTarget {
  static readonly CLOSED = 2;
  readyState = 0;
  close() {}
}
