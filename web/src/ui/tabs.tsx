import { type ReactNode, useEffect, useRef } from "react";

/** Views of one page, each with an address of its own; so they are links. */
export function Tabs({ label, children }: { label: string; children: ReactNode }) {
  const tabs = useRef<HTMLElement>(null);
  // On a phone the one that is shown may stand beyond the edge.
  useEffect(() => {
    tabs.current
      ?.querySelector("[aria-current=page]")
      ?.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  return (
    <nav ref={tabs} aria-label={label} className="mb-4 flex gap-6 overflow-x-auto border-b border-line">
      {children}
    </nav>
  );
}

export const tabClass =
  "-mb-px flex h-10 items-center border-b-2 border-transparent whitespace-nowrap text-soft hover:text-ink aria-[current=page]:border-ink aria-[current=page]:font-semibold aria-[current=page]:text-ink";
