// The one place that speaks HTTP. The session is a cookie, so no call carries a credential.
import createClient from "openapi-fetch";
import { ApiError, problemOf, unreachable } from "./problem";
import type { paths } from "./schema";

// `fetch` is looked up at each call, so that a test can put its own in place.
export const api = createClient<paths>({ baseUrl: origin(), fetch: (request) => globalThis.fetch(request) });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of an answer; throws an `ApiError` when there is none. */
export async function bodyOf<T>(call: Promise<Answer<T>>): Promise<NonNullable<T>> {
  const { data, error, response } = await reached(call);
  if (data === undefined || data === null) throw new ApiError(problemOf(response, error));
  return data;
}

/** Waits for an answer that has no body; throws an `ApiError` when the call failed. */
export async function done(call: Promise<Answer<unknown>>): Promise<void> {
  const { error, response } = await reached(call);
  if (!response.ok) throw new ApiError(problemOf(response, error));
}

async function reached<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (fault) {
    if (fault instanceof DOMException && fault.name === "AbortError") throw fault;
    throw new ApiError(unreachable());
  }
}

function origin(): string {
  return globalThis.location?.origin ?? "";
}
