import type { ButtonHTMLAttributes, ReactNode } from "react";
import { cx } from "./class";

export type Look = "primary" | "plain" | "quiet" | "danger";

const looks: Record<Look, string> = {
  primary: "bg-accent-fill text-accent-on hover:bg-accent-press border-transparent",
  plain: "bg-surface text-ink border-field hover:bg-sunk",
  quiet: "bg-transparent text-accent border-transparent hover:bg-accent-wash",
  danger: "bg-surface text-bad border-bad hover:bg-bad-wash",
};

/** The look of a button, for links that act like one. */
export function buttonClass(look: Look = "plain", small = false): string {
  return cx(
    "inline-flex items-center justify-center gap-2 rounded border font-semibold whitespace-nowrap select-none",
    "transition-colors duration-100 disabled:cursor-not-allowed aria-disabled:cursor-not-allowed aria-disabled:opacity-55",
    small ? "h-8 px-3 text-sm" : "h-10 px-4 text-sm",
    looks[look],
  );
}

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: Look;
  small?: boolean;
  /** Why it cannot be pressed now. It stays in the tab order, and says this. */
  because?: string | false;
  busy?: boolean;
}

export function Button({ look, small, because, busy, className, onClick, children, ...rest }: Props) {
  const blocked = Boolean(because) || busy;
  return (
    <button
      type="button"
      {...rest}
      className={cx(buttonClass(look, small), className)}
      aria-disabled={blocked || undefined}
      title={because || rest.title}
      onClick={(event) => {
        if (blocked) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {children}
      {because && <span className="sr-only">. Not now: {because}</span>}
      {busy && <span className="sr-only">. Working</span>}
    </button>
  );
}

/** A toolbar's button, which is an icon; its name shows on hover and focus. */
export function IconButton({
  label,
  children,
  className,
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & { label: string; children: ReactNode }) {
  return (
    <button
      type="button"
      {...rest}
      aria-label={label}
      title={label}
      className={cx(
        "inline-flex size-8 shrink-0 items-center justify-center rounded text-soft hover:bg-sunk hover:text-ink",
        className,
      )}
    >
      {children}
    </button>
  );
}
