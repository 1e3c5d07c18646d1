// What people asked for, and where it is.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, done } from "../api/client";
import { requestsQuery, topics } from "../api/queries";
import type { WriteRequest } from "../api/types";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Prose } from "../ui/prose";
import { Time } from "../ui/time";
import { hasEnded, requestWord } from "../words/request";
import { sentence } from "../words/sentence";
import { imageName } from "../words/shorten";
import { proposalWord } from "../words/state";
import { EnvironmentChip, ProposalLink } from "./names";
import { useRefusal } from "./session";
import { FormFault } from "./trouble";

/** How long a request that was not written is still told of. */
const told = 24 * 3_600_000;

/** Open requests, and those that lately ended unwritten; nothing where there are none. */
export function Requests({ organization }: { organization: string }) {
  const open = useQuery(requestsQuery(organization, "open"));
  const lately = useQuery(requestsQuery(organization, "all"));
  const recent = (at: string | null | undefined) => at != null && Date.now() - Date.parse(at) < told;
  const refused = lately.data?.items.filter((one) => one.state === "refused" && recent(one.ended_at));
  const shown = [...(open.data?.items ?? []), ...(refused ?? [])];
  if (shown.length === 0) return null;
  return (
    <section aria-labelledby="asked-for" className="mb-8">
      <h2 id="asked-for" className="mb-1 text-base font-semibold">
        Asked for
      </h2>
      <ul className="divide-y divide-line border-y border-line" aria-label="What people asked for">
        {shown.map((one) => (
          <li key={one.id} className="flex flex-wrap items-baseline gap-x-4 gap-y-2 py-3">
            <div className="min-w-0 flex-1 basis-64">
              <RequestLine request={one} />
            </div>
            {!hasEnded(one.state) && <TakeBack organization={organization} request={one} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** One request: what, by whom, and what it waits for. */
export function RequestLine({ request }: { request: WriteRequest }) {
  const { word, tone } = requestWord[request.state];
  const change = request.changes[0];
  return (
    <>
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <What request={request} />
        <Badge tone={tone}>{word}</Badge>
      </p>
      <p className="text-pretty break-words">
        <Message request={request} />
        {change && (
          <>
            {" "}
            <Link to="/changes/$change" params={{ change }} className="link">
              Follow the change
            </Link>
          </>
        )}
      </p>
      <p className="text-xs break-words text-soft">
        Asked for by {request.requested_by} <Time at={request.created_at} />
        {request.reason && <>: {request.reason}</>}
      </p>
    </>
  );
}

function What({ request: { kind, image, to, environments, title } }: { request: WriteRequest }) {
  if (kind !== "release" || !image || !to)
    return <span className="font-semibold break-words">{sentence(title)}</span>;
  return (
    <>
      <span className="font-semibold" title={image}>
        {imageName(image)}
      </span>
      <span>
        to <code>{to}</code>
      </span>
      {environments.map((name) => (
        <EnvironmentChip key={name} name={name} />
      ))}
    </>
  );
}

/** The message, in which the number of its pull request is the link that moves it. */
function Message({ request: { message, proposal } }: { request: WriteRequest }) {
  const named = proposal && proposalWord(proposal);
  const at = named ? message.indexOf(named) : -1;
  if (!proposal || !named || at < 0) {
    return (
      <>
        <Prose text={sentence(message)} /> {proposal && <ProposalLink proposal={proposal} />}
      </>
    );
  }
  return (
    <>
      <Prose text={sentence(message.slice(0, at))} />
      <ProposalLink proposal={proposal} />
      <Prose text={message.slice(at + named.length)} />
    </>
  );
}

function TakeBack({ organization, request }: { organization: string; request: WriteRequest }) {
  const queries = useQueryClient();
  const refusal = useRefusal("operator");
  const take = useMutation({
    mutationFn: () =>
      done(
        api.DELETE("/api/v1/organizations/{organization}/requests/{request}", {
          params: { path: { organization, request: request.id } },
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: [topics.changes, organization] }),
  });
  return (
    <div>
      <Button small because={refusal} busy={take.isPending} onClick={() => take.mutate()}>
        Take back
        <span className="sr-only">
          {" "}
          {request.image && request.to
            ? `${imageName(request.image)} ${request.to} in ${request.environments.join(", ")}`
            : request.title}
        </span>
      </Button>
      <FormFault error={take.error} />
    </div>
  );
}
