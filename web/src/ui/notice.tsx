import type { ReactNode } from "react";
import { Shape } from "./badge";
import { cx } from "./class";
import type { Tone } from "./tone";

const wash: Record<Tone, string> = {
  good: "bg-good-wash text-good",
  wait: "bg-wait-wash text-wait",
  bad: "bg-bad-wash text-bad",
  move: "bg-move-wash text-move",
  grey: "bg-grey-wash text-grey",
};

/** A stripe that says one thing about what stands below it. */
export function Notice({ tone, children, action }: { tone: Tone; children: ReactNode; action?: ReactNode }) {
  return (
    <div className={cx("flex flex-wrap items-center gap-x-4 gap-y-2 rounded px-4 py-2.5", wash[tone])}>
      <div className="flex min-w-0 flex-1 basis-64 items-baseline gap-2.5">
        <Shape tone={tone} />
        <div className="min-w-0 flex-1 text-pretty">{children}</div>
      </div>
      {action}
    </div>
  );
}
