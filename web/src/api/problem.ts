// What went wrong with a call, in the API's own words where it gave some.
import type { FieldProblem, Problem } from "./types";

export class ApiError extends Error {
  override name = "ApiError";
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }

  /** What is wrong with one field of the body that was sent. */
  field(name: string): string | undefined {
    return this.problem.fields?.find((fault) => fault.field === name)?.message;
  }
}

export function isApiError(error: unknown, status?: number): error is ApiError {
  return error instanceof ApiError && (status === undefined || error.problem.status === status);
}

/** The problem in an answer's body; a proxy's page or a broken body gets words of our own. */
export function problemOf(response: Response, body: unknown): Problem {
  if (isProblem(body)) return body;
  return {
    status: response.status,
    code: "foreign-answer",
    message: `The API answered ${response.status} without saying why. Something between the browser and Heddle may be in the way.`,
    request_id: response.headers.get("x-request-id") ?? "",
  };
}

export function unreachable(): Problem {
  return {
    status: 0,
    code: "unreachable",
    message: "Heddle cannot be reached. Check the network; the page reads again by itself.",
    request_id: "",
  };
}

function isProblem(body: unknown): body is Problem {
  return (
    isRecord(body) &&
    typeof body.status === "number" &&
    typeof body.code === "string" &&
    typeof body.message === "string" &&
    typeof body.request_id === "string" &&
    (body.fields === undefined || isFields(body.fields))
  );
}

function isFields(value: unknown): value is FieldProblem[] {
  return (
    Array.isArray(value) &&
    value.every((one) => isRecord(one) && typeof one.field === "string" && typeof one.message === "string")
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
