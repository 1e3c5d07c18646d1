import type { KnotState, Station } from "../api/types";

interface Props {
  state: KnotState;
  station: Station;
  /** The change has ended and will never reach this knot. */
  ended?: boolean;
  size?: number;
}

/** A knot of the thread. The shape alone tells the state; the colour says it again. */
export function Mark({ state, station, ended, size = 16 }: Props) {
  return (
    <svg
      className="mark"
      data-state={state}
      data-station={station}
      data-ended={ended || undefined}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      aria-hidden="true"
    >
      {shape(state, ended)}
    </svg>
  );
}

function shape(state: KnotState, ended: boolean | undefined) {
  switch (state) {
    case "done":
      return <circle cx="8" cy="8" r="7" fill="currentColor" stroke="none" />;
    case "moving":
      return (
        <>
          <circle cx="8" cy="8" r="6" />
          <path className="breath" d="M8 2a6 6 0 0 0 0 12z" fill="currentColor" stroke="none" />
        </>
      );
    case "waiting":
      return <circle cx="8" cy="8" r="5.75" strokeWidth="2.5" />;
    case "failed":
      return <rect x="1.5" y="1.5" width="13" height="13" rx="1.5" fill="currentColor" stroke="none" />;
    case "not-yet":
      return ended ? (
        <path d="M5 8h6" strokeWidth="1.5" />
      ) : (
        <circle cx="8" cy="8" r="3.25" strokeWidth="1.5" />
      );
  }
}
