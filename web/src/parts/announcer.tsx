// Tells a screen reader when a line moved, seldom enough to be listened to.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { changesQuery } from "../api/queries";
import { changeTitle, lineWord } from "../words/state";

const atMostEvery = 5_000;

export function Announcer({ organization }: { organization: string }) {
  const { data } = useInfiniteQuery(changesQuery(organization));
  const known = useRef<Map<string, string>>(undefined);
  const waiting = useRef<string[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [said, setSaid] = useState("");

  useEffect(() => {
    if (!data) return;
    const changes = data.pages.flatMap((page) => page.items);
    const states = new Map(changes.map((change) => [change.id, lineWord(change.line).word]));
    const before = known.current;
    known.current = states;
    if (!before) return;
    const moved = changes.filter((change) => before.get(change.id) !== states.get(change.id));
    waiting.current.push(...moved.map((change) => `${changeTitle(change)}: ${states.get(change.id)}`));
    if (waiting.current.length === 0 || timer.current) return;
    const say = () => {
      timer.current = undefined;
      if (waiting.current.length === 0) return;
      setSaid(waiting.current.splice(0).slice(-3).join(". "));
      timer.current = setTimeout(say, atMostEvery);
    };
    say();
  }, [data]);

  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <p className="sr-only" role="status" aria-live="polite">
      {said}
    </p>
  );
}
