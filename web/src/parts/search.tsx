import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { type LinkProps, useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useId, useState } from "react";
import { changesQuery, clustersQuery, workloadsQuery } from "../api/queries";
import { cx } from "../ui/class";
import { Dialog } from "../ui/dialog";
import { count } from "../words/count";
import { isBeginning } from "../words/revision";
import { changeTitle, lineWord } from "../words/state";
import { entries } from "./navigation";
import { useOrganization } from "./session";

interface Hit {
  key: string;
  kind: string;
  text: string;
  note: string;
  to: Pick<LinkProps, "to" | "params" | "search">;
}

const most = 12;

export function SearchDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title="Search">
      <Search onClose={onClose} />
    </Dialog>
  );
}

function Search({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const navigate = useNavigate();
  const list = useId();
  const hits = useHits(text);
  const chosen = hits[Math.min(at, hits.length - 1)];
  const go = (hit: Hit | undefined) => {
    if (!hit) return;
    onClose();
    void navigate(hit.to);
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setAt((Math.min(at, hits.length - 1) + step + hits.length) % Math.max(1, hits.length));
    }
    if (event.key === "Enter") {
      event.preventDefault();
      go(chosen);
    }
  };
  return (
    <>
      <input
        type="search"
        role="combobox"
        aria-label="Search workloads, changes, commits, clusters and pages"
        aria-expanded={hits.length > 0}
        aria-controls={list}
        aria-activedescendant={chosen ? `${list}-${chosen.key}` : undefined}
        placeholder="Workload, image, commit, cluster, page"
        className="h-11 w-full rounded border border-field bg-surface px-3 text-base"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={press}
      />
      <div id={list} role="listbox" aria-label="Found" className="mt-3 -mx-2">
        {hits.map((hit) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are taken at the field above
          <div
            key={hit.key}
            id={`${list}-${hit.key}`}
            role="option"
            tabIndex={-1}
            aria-selected={hit === chosen}
            onClick={() => go(hit)}
            className={cx(
              "flex h-10 cursor-pointer items-center gap-3 rounded px-2 hover:bg-sunk",
              hit === chosen && "bg-sunk",
            )}
          >
            <span className="w-20 shrink-0 text-xs text-soft">{hit.kind}</span>
            <span className="min-w-0 flex-1 truncate">{hit.text}</span>
            <span className="max-w-40 shrink-0 truncate text-xs text-soft">{hit.note}</span>
          </div>
        ))}
      </div>
      {hits.length === 0 && (
        <p className="px-2 py-3 text-soft" role="status">
          Nothing is called “{text}”.
        </p>
      )}
    </>
  );
}

function useHits(text: string): Hit[] {
  const { id } = useOrganization();
  const { data: workloads } = useInfiniteQuery(workloadsQuery(id));
  const { data: changes } = useInfiniteQuery(changesQuery(id));
  const { data: clusters } = useQuery(clustersQuery(id));
  const all: Hit[] = [
    ...entries.map(
      (entry): Hit => ({
        key: `page-${entry.key}`,
        kind: "Page",
        text: entry.name,
        note: `g ${entry.key}`,
        to: { to: entry.to },
      }),
    ),
    ...(workloads?.pages.flatMap((page) => page.items) ?? []).map(
      (one): Hit => ({
        key: `workload-${one.cluster}-${one.namespace}-${one.kind}-${one.name}`,
        kind: "Workload",
        text: `${one.namespace}/${one.name}`,
        note: `${one.cluster_name} · ${one.state}`,
        to: { to: "/workloads", search: { q: `${one.namespace}/${one.name}` } },
      }),
    ),
    ...(changes?.pages.flatMap((page) => page.items) ?? []).map(
      (one): Hit => ({
        key: `change-${one.id}`,
        kind: "Change",
        text: changeTitle(one),
        note: lineWord(one.line).word,
        to: { to: "/changes/$change", params: { change: one.id } },
      }),
    ),
    ...(clusters ?? []).map(
      (one): Hit => ({
        key: `cluster-${one.id}`,
        kind: "Cluster",
        text: one.name,
        note: count(one.workloads, "workload"),
        to: { to: "/clusters/$cluster", params: { cluster: one.id } },
      }),
    ),
  ];
  const revision = text.trim().toLowerCase();
  if (isBeginning(revision)) {
    return [
      {
        key: "revision",
        kind: "Commit",
        text: revision,
        note: "where is it?",
        to: { to: "/revisions/$revision", params: { revision } },
      },
    ];
  }
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return all
    .filter((hit) =>
      words.every((word) => `${hit.kind} ${hit.text} ${hit.note}`.toLowerCase().includes(word)),
    )
    .slice(0, most);
}
