import { type QueryKey, useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { FormFault } from "./trouble";

interface Props {
  /** What the button says, before the name. */
  verb: string;
  /** What it is done to. */
  name: string;
  /** What the dialog's own button says. */
  action: string;
  /** Why it cannot be done. */
  refusal: string | false;
  run: () => Promise<unknown>;
  /** What is read again afterwards. */
  readAgain: QueryKey;
  /** What follows from it. */
  children: ReactNode;
}

/** A row's button for what cannot be taken back: it says what follows, and does it when that is confirmed. */
export function AskedFirst({ verb, name, action, refusal, run, readAgain, children }: Props) {
  const queries = useQueryClient();
  const [asked, setAsked] = useState(false);
  const { error, isPending, mutate } = useMutation({
    mutationFn: run,
    onSuccess: async () => {
      setAsked(false);
      await queries.invalidateQueries({ queryKey: readAgain });
    },
  });
  return (
    <>
      <Button small because={refusal} onClick={() => setAsked(true)}>
        {verb}
        <span className="sr-only"> {name}</span>
      </Button>
      <Confirm
        open={asked}
        onClose={() => setAsked(false)}
        title={`${verb} ${name}`}
        action={action}
        busy={isPending}
        onConfirm={() => mutate()}
      >
        <FormFault error={error} />
        {children}
      </Confirm>
    </>
  );
}
