import type { ReactNode } from "react";
import { useTitle } from "./title";

interface Props {
  title: string;
  /** One line under it. */
  children?: ReactNode;
  action?: ReactNode;
}

export function PageHead({ title, children, action }: Props) {
  useTitle(title);
  return (
    <div className="mb-6 flex flex-wrap items-start justify-between gap-4">
      <div className="min-w-0">
        <h1 className="text-xl font-semibold tracking-tight text-balance break-words">{title}</h1>
        {children && <div className="mt-1 text-base text-pretty text-soft">{children}</div>}
      </div>
      {action}
    </div>
  );
}
