// Images that wait for a person to decide once: their rule does not say where what runs stands in its order.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { findingsQuery } from "../api/queries";
import { Prose } from "../ui/prose";
import { sentence } from "../words/sentence";
import { imageName } from "../words/shorten";
import { Trouble } from "./platform";
import { ReleaseOnce } from "./release";

/** More of them are told in the list of findings. */
const most = 3;

export function Undecided({ organization }: { organization: string }) {
  const { data } = useQuery(findingsQuery(organization));
  const waiting = (data ?? []).flatMap(({ subjects, ...finding }) =>
    subjects.map((subject) => ({ finding, subject })),
  );
  if (waiting.length === 0) return null;
  return (
    <ul aria-label="Images that wait for a decision">
      {waiting.slice(0, most).map(({ finding, subject }) => (
        <Trouble
          key={`${finding.repository}/${subject.environment}/${subject.image}`}
          tone="wait"
          action={<ReleaseOnce release={subject} />}
        >
          <b className="font-semibold" title={subject.image}>
            {imageName(subject.image)}
          </b>{" "}
          stays as it is in {subject.environment}: <Prose text={finding.message} />{" "}
          <a href={finding.url} target="_blank" rel="noreferrer" className="link">
            <code>
              {finding.file}:{finding.line}
            </code>
          </a>
        </Trouble>
      ))}
      {waiting.length > most && (
        <Trouble
          tone="wait"
          action={
            <Link to="/settings/$section" params={{ section: "repositories" }} className="link">
              Findings
            </Link>
          }
        >
          {sentence(`${waiting.length - most} more images wait for a decision.`)}
        </Trouble>
      )}
    </ul>
  );
}
