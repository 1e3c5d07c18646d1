import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { ExternalLink } from "lucide-react";
import { useState } from "react";
import { api, done } from "../api/client";
import { driftRecordQuery, topics } from "../api/queries";
import type { DriftRecord, DriftRecordDetail, DriftSpell, SpellDetail } from "../api/types";
import { DriftItems } from "../parts/drift-items";
import { Loaded } from "../parts/loaded";
import { EnvironmentChip, Revision } from "../parts/names";
import { useOrganization, useRefusal } from "../parts/session";
import { FormFault } from "../parts/trouble";
import { Badge } from "../ui/badge";
import { Button, buttonClass } from "../ui/button";
import { Command, CopyTextButton } from "../ui/copy";
import { Confirm } from "../ui/dialog";
import { Notice } from "../ui/notice";
import { PageHead } from "../ui/page-head";
import { Part } from "../ui/part";
import { Prose } from "../ui/prose";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { count } from "../words/count";
import { driftWord, foundWord, often, toolWord } from "../words/drift";

export function DriftRecordPage() {
  const { id } = useOrganization();
  const { record } = useParams({ from: "/app/inside/drift/$record" });
  const { spell, before } = useSearch({ from: "/app/inside/drift/$record" });
  const query = useQuery(driftRecordQuery(id, record, { spell, before }));
  return (
    <div className="page">
      <Loaded query={query}>{(detail) => <Detail organization={id} detail={detail} />}</Loaded>
    </div>
  );
}

function Detail({ organization, detail }: { organization: string; detail: DriftRecordDetail }) {
  const { record, shown, history } = detail;
  const { word, tone } = driftWord[record.state];
  const newest = !shown || shown.spell.last_at === record.looked_at;
  return (
    <>
      <PageHead title={record.source}>
        <span className="flex flex-wrap items-center gap-x-4 gap-y-1 text-sm">
          <Badge tone={tone}>
            {word}
            {record.since && (
              <span className="text-soft">
                {" "}
                for <Time at={record.since} as="age" />
              </span>
            )}
          </Badge>
          <span>{toolWord(record)}</span>
          {record.repository && <span className="break-words">{record.repository}</span>}
          {record.environment && <EnvironmentChip name={record.environment} />}
          {record.looked_at && (
            <span>
              looked at <Time at={record.looked_at} />
              {record.looked_by && ` by ${record.looked_by}`}
              {record.by_revoked && ", a revoked reporter"}
            </span>
          )}
        </span>
      </PageHead>
      {record.reason && (
        <div className="mb-6">
          <Notice tone={tone}>
            <Prose text={record.reason} />
          </Notice>
        </div>
      )}
      {shown ? <Shown source={record.source} detail={shown} newest={newest} /> : <NobodyLooked />}
      {record.state !== "same" && <Issue issue={detail.issue} newest={newest} />}
      <Asked detail={detail} />
      {history.length > 0 && <History record={record} detail={detail} />}
      <Forget organization={organization} record={record} />
    </>
  );
}

/** For whoever talks it over where the code is. */
function Issue({ issue, newest }: { issue: DriftRecordDetail["issue"]; newest: boolean }) {
  const what = newest ? "What stands above" : "What the last look found";
  return (
    <Part title="Talk it over" about={`${what} as Markdown, for an issue or a pull request.`}>
      <div className="flex flex-wrap items-center gap-3">
        {issue.url && (
          <a className={buttonClass()} href={issue.url} target="_blank" rel="noreferrer">
            Open an issue
            <ExternalLink size={15} aria-hidden />
          </a>
        )}
        <CopyTextButton text={issue.body}>Copy the text</CopyTextButton>
      </div>
    </Part>
  );
}

function NobodyLooked() {
  return (
    <p className="mb-10 text-base text-soft">
      Nobody has looked yet. Where the folder can be reached, a job runs heddle diff with --report and a
      reporter's token.
    </p>
  );
}

interface ShownProps {
  source: string;
  detail: SpellDetail;
  newest: boolean;
}

/** What one spell found. */
function Shown({ source, detail, newest }: ShownProps) {
  const { spell } = detail;
  const differs = detail.items.length > 0 || detail.more > 0;
  return (
    <Part
      title={newest ? "What differs" : "What differed then"}
      about={
        <>
          <code>{detail.program}</code> {detail.version} <Time at={spell.last_at} as="clock" />
          {spell.commit && (
            <>
              {" "}
              at <Revision id={spell.commit} />
            </>
          )}
        </>
      }
    >
      <div className="space-y-6">
        {!differs && <p className="text-soft">Nothing that was looked at.</p>}
        {differs && <DriftItems items={detail.items} more={detail.more} />}
        {(detail.not_looked_at.length > 0 || detail.more_not_looked_at > 0) && (
          <NotLookedAt detail={detail} />
        )}
        {detail.plan_hash && newest && !spell.by_revoked && (
          <div className="space-y-2">
            <p className="text-soft">To apply exactly this, where the logins are:</p>
            <Command text={`heddle sync terraform ${quoted(source)} --approve ${quoted(detail.plan_hash)}`} />
          </div>
        )}
      </div>
    </Part>
  );
}

/** As a shell takes it, and as no option. */
function quoted(text: string): string {
  const word = text.startsWith("-") ? `./${text}` : text;
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function NotLookedAt({ detail }: { detail: SpellDetail }) {
  return (
    <div>
      <h3 className="mb-1 font-semibold">Not looked at</h3>
      <ul className="divide-y divide-line border-y border-line">
        {detail.not_looked_at.map((one, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a tool may name a thing twice, and the list is never reordered
          <li key={index} className="py-2 break-words">
            <span className="font-semibold">{one.object}</span>{" "}
            <span className="text-soft">
              <Prose text={one.reason} />
            </span>
          </li>
        ))}
      </ul>
      {detail.more_not_looked_at > 0 && (
        <p className="mt-1 text-soft">and {count(detail.more_not_looked_at, "more thing")}</p>
      )}
    </div>
  );
}

function Asked({ detail }: { detail: DriftRecordDetail }) {
  const { record, asked_in } = detail;
  return (
    <Part title="How often">
      {record.every_secs && asked_in ? (
        <p>
          Somebody must look each {often(record.every_secs)}, says{" "}
          <code className="break-words">{asked_in}</code>.
        </p>
      ) : (
        <p className="text-soft">
          Nothing in <code>.heddle.yaml</code> asks for it, so what was found counts for a week.
        </p>
      )}
    </Part>
  );
}

function historyColumns(record: DriftRecord): Column<DriftSpell>[] {
  return [
    {
      head: "Found",
      title: true,
      cell: (spell) => (
        <Link
          to="/drift/$record"
          params={{ record: record.id ?? "" }}
          search={(search) => ({ ...search, spell: spell.id })}
          className="hover:underline"
        >
          <Badge tone={foundWord[spell.found].tone}>
            {foundWord[spell.found].word}
            {spell.differences > 0 && ` in ${spell.differences}`}
          </Badge>
        </Link>
      ),
    },
    { head: "From", cell: (spell) => <Time at={spell.first_at} as="clock" /> },
    { head: "To", cell: (spell) => <Time at={spell.last_at} as="clock" /> },
    { head: "Looks", cell: (spell) => spell.looks },
    { head: "Commit", cell: (spell) => spell.commit && <Revision id={spell.commit} /> },
    {
      head: "By",
      cell: (spell) => (
        <span className="break-words">
          {spell.reporter}
          {spell.by_revoked && <span className="text-soft">, a revoked reporter</span>}
        </span>
      ),
    },
  ];
}

function History({ record, detail }: { record: DriftRecord; detail: DriftRecordDetail }) {
  return (
    <Part title="History" about="Looks in a row that found the same things in the same places, newest first.">
      <Table
        caption={`History of ${record.source}`}
        columns={historyColumns(record)}
        rows={detail.history}
        rowKey={(spell) => spell.id}
      />
      {detail.next && (
        <div className="pt-4">
          <Link
            to="/drift/$record"
            params={{ record: record.id ?? "" }}
            search={(search) => ({ ...search, before: detail.next ?? undefined })}
            className={buttonClass()}
          >
            Show older ones
          </Link>
        </div>
      )}
    </Part>
  );
}

/** Takes the record and its history away, once nobody asks for it or reports it. */
function Forget({ organization, record }: { organization: string; record: DriftRecord }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const refusal = useRefusal("admin");
  const [asked, setAsked] = useState(false);
  const forget = useMutation({
    mutationFn: () =>
      done(
        api.DELETE("/api/v1/organizations/{organization}/drift/{record}", {
          params: { path: { organization, record: record.id ?? "" } },
        }),
      ),
    onSuccess: async () => {
      await navigate({ to: "/drift" });
      await queries.invalidateQueries({ queryKey: [topics.drift, organization] });
    },
  });
  const because = refusal || (record.every_secs ? "drift: in .heddle.yaml asks for it" : false);
  return (
    <div className="border-t border-line pt-6">
      <Button because={because} onClick={() => setAsked(true)}>
        Forget this record
      </Button>
      <Confirm
        open={asked}
        onClose={() => setAsked(false)}
        title={`Forget ${record.source}`}
        action="Forget it"
        busy={forget.isPending}
        onConfirm={() => forget.mutate()}
      >
        <FormFault error={forget.error} />
        <p>The record and its history go. Nothing in the world changes.</p>
      </Confirm>
    </div>
  );
}
