import type { Link } from "../api/types";
import { Badge } from "../ui/badge";
import { Time } from "../ui/time";
import { linkWord } from "../words/state";

/** Whether the agent is there, with the age of the last word from it. */
export function LinkState({ link, seen }: { link: Link; seen?: string | null }) {
  const { word, tone } = linkWord[link];
  return (
    <Badge tone={tone}>
      {word}
      {seen && link !== "connected" && link !== "revoked" && (
        <span className="text-soft">
          <Time at={seen} />
        </span>
      )}
    </Badge>
  );
}
