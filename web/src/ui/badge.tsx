import type { ReactNode } from "react";
import { cx } from "./class";
import type { Tone } from "./tone";

const text: Record<Tone, string> = {
  good: "text-good",
  wait: "text-wait",
  bad: "text-bad",
  move: "text-move",
  grey: "text-grey",
};

export function toneText(tone: Tone): string {
  return text[tone];
}

/** A status: its shape, its word and its colour. */
export function Badge({
  tone,
  children,
  className,
}: {
  tone: Tone;
  children: ReactNode;
  className?: string;
}) {
  return (
    <span className={cx("inline-flex items-center gap-1.5 whitespace-nowrap", text[tone], className)}>
      <Shape tone={tone} />
      {children}
    </span>
  );
}

/** Each tone has a shape, so that it reads without colour. */
export function Shape({ tone }: { tone: Tone }) {
  return (
    <svg
      width="10"
      height="10"
      viewBox="0 0 10 10"
      aria-hidden="true"
      className="shrink-0 fill-current stroke-current"
    >
      {tone === "good" && <circle cx="5" cy="5" r="4" stroke="none" />}
      {tone === "wait" && <circle cx="5" cy="5" r="3.5" fill="none" strokeWidth="2" />}
      {tone === "bad" && <rect x="1" y="1" width="8" height="8" rx="1" stroke="none" />}
      {tone === "move" && (
        <>
          <circle cx="5" cy="5" r="4" fill="none" strokeWidth="1.5" />
          <path d="M5 1a4 4 0 0 0 0 8z" stroke="none" />
        </>
      )}
      {tone === "grey" && <circle cx="5" cy="5" r="2.5" fill="none" strokeWidth="1.5" />}
    </svg>
  );
}
