import type { ReactNode } from "react";
import { EntrancePicture } from "../parts/entrance-picture";
import { Logo } from "../parts/logo";

/** The frame of the pages before a session. */
export function Entrance({
  title,
  children,
  below,
}: {
  title: string;
  children: ReactNode;
  below: ReactNode;
}) {
  return (
    <div className="grid min-h-dvh lg:grid-cols-[minmax(0,1fr)_minmax(0,1.1fr)]">
      <main className="flex flex-col px-6 py-8 md:px-16">
        <Logo />
        <div className="mx-auto flex w-full max-w-sm flex-1 flex-col justify-center py-12">
          <h1 className="mb-6 text-xl font-semibold tracking-tight">{title}</h1>
          {children}
          <p className="mt-6 text-soft">{below}</p>
        </div>
      </main>
      <aside
        className="hidden flex-col justify-center border-l border-line bg-surface px-16 lg:flex"
        aria-label="About"
      >
        <EntrancePicture />
      </aside>
    </div>
  );
}
