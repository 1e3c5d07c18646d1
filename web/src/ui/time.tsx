import { absolute, age, relative, timeOfDay } from "../words/time";
import { useNow } from "./now";

interface Props {
  at: string;
  /** `ago`: 7 min ago; `age`: 7 min; `clock`: 10:02. */
  as?: "ago" | "age" | "clock" | "seconds";
  className?: string;
}

/** A time as people say it; the exact one on hover, and for machines. */
export function Time({ at, as = "ago", className }: Props) {
  const now = useNow();
  const date = new Date(at);
  const text = {
    ago: () => relative(date, now),
    age: () => age(now - date.getTime()),
    clock: () => timeOfDay(date, now),
    seconds: () => timeOfDay(date, now, true),
  }[as]();
  return (
    <time dateTime={at} title={absolute(date)} className={className}>
      {text}
    </time>
  );
}
