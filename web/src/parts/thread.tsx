// The one picture: a change as a thread through five knots, in the sizes a page needs.
import type { ReactNode } from "react";
import type { Change, Knot, Line, Station } from "../api/types";
import { useNow } from "../ui/now";
import { Prose } from "../ui/prose";
import { Time } from "../ui/time";
import { sentence } from "../words/sentence";
import { frontier, isStuck, knotWord, lineWord, stationWord } from "../words/state";
import { absolute, duration } from "../words/time";
import { Mark } from "./mark";
import { type Strand, strandsOf } from "./strands";

export const stations: Station[] = ["pushed", "proposed", "merged", "applied", "healthy"];

/** The names over the knots, once for all rows below. */
export function ThreadHeads() {
  return (
    <div className="thread-heads" aria-hidden>
      {stations.map((station) => (
        <div key={station}>
          <span>{stationWord[station]}</span>
        </div>
      ))}
    </div>
  );
}

/** As wide as its place: one row of the Overview. */
export function ThreadWide({ line, label }: { line: Line; label: string }) {
  const now = useNow();
  const strands = strandsOf(line, now);
  return (
    <ol className="thread-wide" aria-label={label}>
      {line.knots.map((knot, index) => (
        <li key={knot.station} title={knotTitle(knot)}>
          <span className="sr-only">{knotSentence(knot, line, strands[index - 1])}</span>
          {index > 0 && <WideStrand strand={strands[index - 1]} />}
          <Mark state={knot.state} station={knot.station} ended={Boolean(line.end)} />
        </li>
      ))}
    </ol>
  );
}

function WideStrand({ strand }: { strand: Strand | undefined }) {
  if (!strand) return null;
  return (
    <span className="strand" data-reach={strand.reach} data-longest={strand.longest} aria-hidden>
      {strand.took !== undefined && <span className="took">{tookWord(strand)}</span>}
    </span>
  );
}

/** Why it is stuck, under the knot where it is, with the link that moves it. */
export function ThreadReason({ change }: { change: Change }) {
  const { line } = change;
  if (line.end || !line.reason) return null;
  const { index } = frontier(line);
  return (
    <div className="thread-reason" data-knot={index}>
      <Reason change={change} />
    </div>
  );
}

export function Reason({ change }: { change: Change }) {
  const { line, proposal } = change;
  if (!line.reason) return null;
  const tone = isStuck(line) ? (frontier(line).state === "failed" ? "text-bad" : "text-wait") : "text-move";
  return (
    <span className={tone}>
      {linked(sentence(line.reason), proposal?.kind === "pull-request" ? proposal : undefined)}
      {line.since && (
        <span className="whitespace-nowrap text-soft">
          {" "}
          since <Time at={line.since} as="clock" />
        </span>
      )}
    </span>
  );
}

/** Makes the pull request's number in a sentence a link to it. */
function linked(text: string, pull: { number: number; url: string } | undefined): ReactNode {
  const name = pull && `#${pull.number}`;
  if (!pull || !name || !text.includes(name)) return <Prose text={text} />;
  const [before = "", ...after] = text.split(name);
  return (
    <>
      <Prose text={before} />
      <a className="link font-semibold" href={pull.url} target="_blank" rel="noreferrer">
        {name}
      </a>
      <Prose text={after.join(name)} />
    </>
  );
}

/** Small, for a cell of a table: the word beside it says the rest. */
export function ThreadTiny({ line }: { line: Line }) {
  const strands = strandsOf(line, 0);
  const { word } = lineWord(line);
  return (
    <span className="thread-tiny" role="img" aria-label={`${word}: ${reached(line)} of 5 stations reached`}>
      {line.knots.map((knot, index) => (
        <TinyKnot key={knot.station} knot={knot} strand={strands[index - 1]} ended={Boolean(line.end)} />
      ))}
    </span>
  );
}

function TinyKnot({ knot, strand, ended }: { knot: Knot; strand: Strand | undefined; ended: boolean }) {
  return (
    <>
      {strand && <span className="strand" data-reach={strand.reach} />}
      <Mark state={knot.state} station={knot.station} ended={ended} size={10} />
    </>
  );
}

interface TallProps {
  change: Change;
  /** What stands beside a knot. */
  beside: (knot: Knot) => ReactNode;
}

/** Tall: the Change page. */
export function ThreadTall({ change, beside }: TallProps) {
  const { line } = change;
  const now = useNow();
  const strands = strandsOf(line, now);
  const here = frontier(line).index;
  return (
    <ol className="thread-tall" aria-label="The line of this change">
      {line.knots.map((knot, index) => {
        const strand = strands[index];
        return (
          <li key={knot.station} data-reach={strand?.reach} data-longest={strand?.longest}>
            <Mark state={knot.state} station={knot.station} ended={Boolean(line.end)} size={20} />
            <div className="min-w-0">
              <p className="flex flex-wrap items-baseline gap-x-3 text-base">
                <span className={knot.state === "not-yet" ? "text-soft" : "font-semibold"}>
                  {stationWord[knot.station]}
                </span>
                {knot.at ? (
                  <Time at={knot.at} as="seconds" className="text-sm text-soft" />
                ) : (
                  <span className="text-sm text-soft">{line.end ? "not reached" : knotWord[knot.state]}</span>
                )}
                {knot.inferred && <span className="text-xs text-soft">told by a later station</span>}
              </p>
              {index === here && !line.end && line.reason && (
                <p className="mt-1 text-sm">
                  <Reason change={change} />
                </p>
              )}
              {beside(knot)}
              {strand?.took !== undefined && (
                <p className={strand.longest ? "mt-2 text-xs font-semibold" : "mt-2 text-xs text-soft"}>
                  {strand.reach === "now" ? `${tookWord(strand)} so far` : tookWord(strand)}
                  {strand.longest && <span className="font-normal text-soft"> · the longest</span>}
                </p>
              )}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

function tookWord(strand: Strand): string {
  const text = duration(strand.took ?? 0);
  return strand.inferred ? `≤ ${text}` : text;
}

function knotTitle(knot: Knot): string {
  const name = stationWord[knot.station];
  return knot.at ? `${name} ${absolute(new Date(knot.at))}` : `${name}: ${knotWord[knot.state]}`;
}

function knotSentence(knot: Knot, line: Line, strand: Strand | undefined): string {
  const state = line.end && knot.state === "not-yet" ? "not reached" : knotWord[knot.state];
  const at = knot.at ? ` at ${absolute(new Date(knot.at))}` : "";
  const took =
    strand?.took === undefined ? "" : `, ${strand.reach === "now" ? "for" : "after"} ${tookWord(strand)}`;
  return `${stationWord[knot.station]}: ${state}${at}${took}. `;
}

function reached(line: Line): number {
  return line.knots.filter((knot) => knot.state === "done").length;
}
