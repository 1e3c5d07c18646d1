import type { Finding } from "../api/types";
import { Badge } from "../ui/badge";
import { Prose } from "../ui/prose";
import { imageName } from "../words/shorten";
import { ReleaseOnce } from "./release";

/** What is wrong in files that people wrote, with the place of each. */
export function Findings({ findings }: { findings: Finding[] }) {
  return (
    <ul className="divide-y divide-line border-y border-line" aria-label="Findings">
      {findings.map((one) => (
        <li
          key={`${one.repository}/${one.branch}/${one.file}:${one.line}:${one.column}:${one.code}`}
          className="grid gap-x-6 gap-y-1 py-3 md:grid-cols-[112px_minmax(0,1fr)]"
        >
          {one.blocks ? <Badge tone="bad">Blocks</Badge> : <Badge tone="wait">Note</Badge>}
          <div className="min-w-0">
            <p className="text-pretty break-words">
              <Prose text={one.message} />
            </p>
            <p className="text-xs break-words text-soft">
              <a href={one.url} target="_blank" rel="noreferrer" className="link">
                <code>
                  {one.file}:{one.line}:{one.column}
                </code>
              </a>{" "}
              in {one.repository}, branch {one.branch} · <code>{one.code}</code>
            </p>
            {one.subjects.map((subject) => (
              <p
                key={`${subject.environment}/${subject.image}`}
                className="mt-2 flex flex-wrap items-center gap-3"
              >
                <ReleaseOnce release={subject} />
                <span className="text-soft">
                  {imageName(subject.image)} in {subject.environment}
                </span>
              </p>
            ))}
          </div>
        </li>
      ))}
    </ul>
  );
}
