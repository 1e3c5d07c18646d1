import { type ReactNode, useId } from "react";

interface Props {
  title: string;
  /** One sentence that says what it is for. */
  about?: ReactNode;
  action?: ReactNode;
  children: ReactNode;
}

/** A part of a page, under a heading of its own. */
export function Part({ title, about, action, children }: Props) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="mb-10">
      <div className="mb-3 flex flex-wrap items-start justify-between gap-3">
        <div className="max-w-prose">
          <h2 id={id} className="text-base font-semibold">
            {title}
          </h2>
          {about && <p className="text-pretty text-soft">{about}</p>}
        </div>
        {action}
      </div>
      {children}
    </section>
  );
}
