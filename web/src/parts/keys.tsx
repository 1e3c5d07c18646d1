import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { Dialog } from "../ui/dialog";
import { entries } from "./navigation";
import { useSingleKeys } from "./preferences";

interface Actions {
  search: () => void;
  help: () => void;
}

/** How long `g` waits for its second key. */
const patience = 1_500;

/** The keys of the whole application. */
export function useKeys({ search, help }: Actions) {
  const navigate = useNavigate();
  const [single] = useSingleKeys();
  const went = useRef(0);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        search();
        return;
      }
      if (single === "off" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target))
        return;
      const second = event.timeStamp - went.current < patience;
      went.current = 0;
      const entry = second && entries.find((one) => one.key === event.key);
      if (entry) {
        event.preventDefault();
        void navigate({ to: entry.to });
      } else if (event.key === "g") {
        went.current = event.timeStamp;
      } else if (event.key === "/") {
        event.preventDefault();
        search();
      } else if (event.key === "?") {
        help();
      }
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [navigate, single, search, help]);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.closest("input, textarea, select, [role=menu], [role=dialog]") !== null ||
      target.isContentEditable)
  );
}

export function KeySheet({ open, onClose }: { open: boolean; onClose: () => void }) {
  const keys: [string[], string][] = [
    [["/"], "Search"],
    [["Ctrl", "K"], "Search, also while typing"],
    ...entries.map((entry): [string[], string] => [["g", entry.key], entry.name]),
    [["?"], "This sheet"],
    [["Esc"], "Close what floats"],
  ];
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title="Keyboard"
      description="Keys without Ctrl can be turned off in the menu of your name."
    >
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-6 gap-y-2.5">
        {keys.map(([pressed, what]) => (
          <div key={what} className="contents">
            <dt className="flex gap-1">
              {pressed.map((key) => (
                <kbd
                  key={key}
                  className="min-w-7 rounded-sm border border-line bg-sunk px-1.5 py-0.5 text-center"
                >
                  {key}
                </kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
