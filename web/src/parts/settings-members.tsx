import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { membersQuery } from "../api/queries";
import type { Member } from "../api/types";
import { Button } from "../ui/button";
import { Part } from "../ui/part";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { roleMeaning, roleWord } from "../words/state";
import { GrantDialog } from "./grant-dialog";
import { Loaded } from "./loaded";
import { ChangeRole, TakeOut } from "./member-dialogs";
import { useOrganization, useRefusal, useSession } from "./session";
import { Invitations } from "./settings-invitations";

type Asked = { what: "role" | "grants" | "out"; member: Member };

export function MemberSettings() {
  const { id } = useOrganization();
  const members = useQuery(membersQuery(id));
  const [asked, setAsked] = useState<Asked>();
  const close = () => setAsked(undefined);
  return (
    <>
      <Part title="Members" about="Who sees this organization, and what each may do in it.">
        <Loaded query={members}>{(all) => <MemberTable members={all} onAsk={setAsked} />}</Loaded>
      </Part>
      <Invitations organization={id} />
      {asked?.what === "role" && <ChangeRole organization={id} member={asked.member} onClose={close} />}
      {asked?.what === "grants" && <GrantDialog organization={id} member={asked.member} onClose={close} />}
      {asked?.what === "out" && <TakeOut organization={id} member={asked.member} onClose={close} />}
    </>
  );
}

function MemberTable({ members, onAsk }: { members: Member[]; onAsk: (asked: Asked) => void }) {
  const refusal = useRefusal("owner");
  const { me } = useSession();
  const owners = members.filter((one) => one.role === "owner");
  const lastOwner = (one: Member) =>
    owners.length === 1 &&
    one.role === "owner" &&
    "an organization keeps an owner; make somebody else one first";
  const columns: Column<Member>[] = [
    { head: "Member", title: true, cell: (one) => <Name member={one} you={one.user === me.id} /> },
    {
      head: "Role",
      cell: (one) => (
        <span>
          {roleWord[one.role]}
          <span className="block text-xs text-soft">{roleMeaning[one.role]}</span>
          {one.role === "operator" && <Granted member={one} />}
        </span>
      ),
    },
    { head: "Since", cell: (one) => <Time at={one.joined_at} className="whitespace-nowrap" /> },
    {
      head: "Action",
      bare: true,
      className: "md:text-right",
      cell: (one) => (
        <span className="inline-flex flex-wrap gap-2 md:justify-end">
          {one.role === "operator" && (
            <Button small because={refusal} onClick={() => onAsk({ what: "grants", member: one })}>
              Environments<span className="sr-only"> of {one.name}</span>
            </Button>
          )}
          <Button
            small
            because={refusal || lastOwner(one)}
            onClick={() => onAsk({ what: "role", member: one })}
          >
            Change role<span className="sr-only"> of {one.name}</span>
          </Button>
          <Button
            small
            because={(one.user !== me.id && refusal) || lastOwner(one)}
            onClick={() => onAsk({ what: "out", member: one })}
          >
            {one.user === me.id ? "Leave" : "Remove"}
            <span className="sr-only"> {one.user === me.id ? "the organization" : one.name}</span>
          </Button>
        </span>
      ),
    },
  ];
  return <Table caption="Members by name" columns={columns} rows={members} rowKey={(one) => one.user} />;
}

/** For which environments an operator may ask; without any, they see what a viewer sees. */
function Granted({ member }: { member: Member }) {
  const names = member.grants?.map((one) => `${one.repository_name} ${one.environment}`) ?? [];
  return (
    <span className="block text-xs break-words">
      {names.length > 0 ? names.join(", ") : "no environment granted, so no more than a viewer"}
    </span>
  );
}

function Name({ member, you }: { member: Member; you: boolean }) {
  return (
    <span className="min-w-0">
      <span className="font-semibold break-words">{member.name}</span>
      {you && <span className="text-soft"> (you)</span>}
      <span className="block text-xs break-all text-soft">{member.email}</span>
    </span>
  );
}
