import type { ReactNode } from "react";
import { cx } from "./class";

/** Text as it is, which scrolls in its box; so it takes the focus and has a name. */
export function CodeBlock({
  label,
  className,
  children,
}: {
  label: string;
  className?: string;
  children: ReactNode;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section aria-label={label} tabIndex={0} className={cx("min-w-0 overflow-auto rounded-sm", className)}>
      <pre>{children}</pre>
    </section>
  );
}
