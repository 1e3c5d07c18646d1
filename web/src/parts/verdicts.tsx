import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { verdictsQuery } from "../api/queries";
import type { Verdict } from "../api/types";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Notice } from "../ui/notice";
import { Prose } from "../ui/prose";
import { Time } from "../ui/time";
import { sentence } from "../words/sentence";
import { imageName } from "../words/shorten";
import { Hold } from "./hold";
import { Loaded } from "./loaded";
import { ReleaseDialog } from "./release";
import { useRefusal } from "./session";

interface Props {
  organization: string;
  image: string;
  environment: string;
  onClose: () => void;
}

/** Why a tag was chosen and each of the others was not. */
export function VerdictsDialog({ organization, image, environment, onClose }: Props) {
  const verdicts = useQuery(verdictsQuery(organization, environment, image));
  const [tag, setTag] = useState<string>();
  if (tag) {
    const release = { image, environment, tag };
    return <ReleaseDialog organization={organization} release={release} onClose={() => setTag(undefined)} />;
  }
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={`Tags of ${imageName(image)} in ${environment}`}
      description={<code className="break-all">{image}</code>}
    >
      <Loaded query={verdicts}>
        {(data) => (
          <div className="space-y-4">
            <p className="text-base">
              Rule: <Prose text={data.rule} />
              <span className="block text-sm text-soft">
                Git says <code className="text-ink">{data.current ?? "nothing"}</code>.{" "}
                {data.scanned_at ? (
                  <>
                    The registry was last read to its end <Time at={data.scanned_at} />.
                  </>
                ) : (
                  "The registry was not read to its end yet, so nothing is chosen."
                )}
              </span>
            </p>
            {data.scan_error && (
              <Notice tone="wait">The last reading failed, so nothing changes: {data.scan_error}</Notice>
            )}
            <Hold organization={organization} image={image} environment={environment} tag={data.current} />
            <VerdictList verdicts={data.tags} current={data.current} onRelease={setTag} />
          </div>
        )}
      </Loaded>
    </Dialog>
  );
}

function VerdictList({
  verdicts,
  current,
  onRelease,
}: {
  verdicts: Verdict[];
  current: string | null | undefined;
  onRelease: (tag: string) => void;
}) {
  const refusal = useRefusal("operator");
  if (verdicts.length === 0) return <p className="text-soft">No tag is known yet.</p>;
  return (
    <ul className="divide-y divide-line border-y border-line" aria-label="Tags, best first">
      {verdicts.map((verdict) => (
        <li key={verdict.tag} className="grid gap-x-4 py-2 md:grid-cols-[minmax(96px,auto)_112px_1fr_auto]">
          <span className="break-all">
            <code className={verdict.verdict === "chosen" ? "font-semibold" : undefined}>{verdict.tag}</code>
            {verdict.tag === current && <span className="ml-2 text-xs text-soft">in Git</span>}
          </span>
          {verdict.verdict === "chosen" ? (
            <Badge tone="good">Chosen</Badge>
          ) : (
            <Badge tone="grey">Passed over</Badge>
          )}
          <span className="text-pretty text-soft">
            <Prose text={sentence(verdict.reason)} /> <code className="text-xs">{verdict.rule}</code>
          </span>
          {verdict.tag !== current && (
            <span>
              <Button small look="quiet" because={refusal} onClick={() => onRelease(verdict.tag)}>
                Release<span className="sr-only"> {verdict.tag}</span>
              </Button>
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}
