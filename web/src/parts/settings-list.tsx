import { type ReactNode, useState } from "react";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Part } from "../ui/part";
import { Loaded, type Reading } from "./loaded";

interface Props<T> {
  title: string;
  about: string;
  /** What adds one: the button's words, and the title of its dialog. */
  add: string;
  /** Why none can be added. */
  refusal: string | false;
  query: Reading<T[]>;
  /** What is said where there is none. */
  empty: string;
  row: (one: T) => ReactNode;
  /** The form that adds one. */
  children: ReactNode;
}

/** A part of the settings that lists things of one kind, with a dialog that adds one. */
export function SettingsList<T>({ title, about, add, refusal, query, empty, row, children }: Props<T>) {
  const [open, setOpen] = useState(false);
  return (
    <Part
      title={title}
      about={about}
      action={
        <Button because={refusal} onClick={() => setOpen(true)}>
          {add}
        </Button>
      }
    >
      <Loaded query={query}>
        {(all) =>
          all.length === 0 ? (
            <p className="text-soft">{empty}</p>
          ) : (
            <ul className="divide-y divide-line border-y border-line">{all.map(row)}</ul>
          )
        }
      </Loaded>
      <Dialog open={open} onClose={() => setOpen(false)} title={add} wide>
        {children}
      </Dialog>
    </Part>
  );
}
