import type { ReactNode } from "react";

interface Props {
  title: string;
  children: ReactNode;
  /** The one thing to do next. */
  action?: ReactNode;
  /** What will stand here. */
  picture?: ReactNode;
}

export function Empty({ title, children, action, picture }: Props) {
  return (
    <div className="flex flex-col items-start gap-4 py-8">
      {picture && (
        <div
          className="w-full max-w-2xl rounded border border-dashed border-line p-4 opacity-70"
          aria-hidden
          inert
        >
          {picture}
        </div>
      )}
      <div className="max-w-prose space-y-1">
        <h2 className="text-base font-semibold">{title}</h2>
        <p className="text-base text-pretty text-soft">{children}</p>
      </div>
      {action}
    </div>
  );
}
