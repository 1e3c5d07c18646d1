import { isApiError } from "../api/problem";
import { Button } from "../ui/button";
import { Notice } from "../ui/notice";
import { sentence } from "../words/sentence";

/** What happened, whether it touches what runs, what to do, and the request's id for whoever is asked. */
export function Trouble({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const problem = isApiError(error) ? error.problem : undefined;
  return (
    <div role="alert">
      <Notice
        tone="bad"
        action={
          onRetry && (
            <Button small onClick={onRetry}>
              Read again
            </Button>
          )
        }
      >
        <p className="font-semibold">{sentence(error.message)}</p>
        <p className="text-ink">
          Your workloads keep running; this concerns the dashboard alone.
          {problem?.request_id && (
            <>
              {" "}
              Request <code>{problem.request_id}</code>
            </>
          )}
        </p>
      </Notice>
    </div>
  );
}

/** Why a form was not taken; faults of single fields stand at the fields. */
export function FormFault({ error }: { error: Error | null }) {
  if (!error) return null;
  const problem = isApiError(error) ? error.problem : undefined;
  const id = problem?.request_id;
  if (problem?.fields?.length) {
    return (
      <p role="alert" className="sr-only">
        Not taken. Look at the marked fields.
      </p>
    );
  }
  return (
    <div role="alert">
      <Notice tone="bad">
        {sentence(error.message)}
        {id && (
          <span className="block text-xs">
            Request <code>{id}</code>
          </span>
        )}
      </Notice>
    </div>
  );
}

/** What is wrong with one field of a form that was refused. */
export function faultOf(error: Error | null, field: string): string | undefined {
  const fault = isApiError(error) ? error.field(field) : undefined;
  return fault && sentence(fault);
}
