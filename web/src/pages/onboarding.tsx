import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Check } from "lucide-react";
import { type ReactNode, useState } from "react";
import { onboardingQuery } from "../api/queries";
import type { Onboarding, OnboardingStepName } from "../api/types";
import { AddCluster } from "../parts/add-cluster";
import { ConnectRepository } from "../parts/connect-repository";
import { FirstPolicy } from "../parts/first-policy";
import { Loaded } from "../parts/loaded";
import { OrganizationForm } from "../parts/organization-form";
import { useSession } from "../parts/session";
import { Button, buttonClass } from "../ui/button";
import { Notice } from "../ui/notice";
import { PageHead } from "../ui/page-head";
import { Prose } from "../ui/prose";
import { githubSetback } from "../words/github";
import { sentence } from "../words/sentence";

type Step = Onboarding["steps"][number];

const titles: Record<OnboardingStepName, string> = {
  organization: "Make an organization",
  "git-hub": "Connect the config repository",
  cluster: "Add a cluster",
  agent: "Wait for the agent",
  policy: "Write the first policy",
};

/** Before there is an organization, the list stands here with its first step open. */
const fresh: Step[] = [
  { step: "organization", done: false, message: "Usually one for a company or a team." },
  { step: "git-hub", done: false, message: "Through a GitHub App that you install on one repository." },
  { step: "cluster", done: false, message: "One manifest, applied with kubectl." },
  { step: "agent", done: false, message: "It connects outwards, by itself." },
  { step: "policy", done: false, message: "Says which tags an image may move to." },
];

export function OnboardingPage() {
  const { organization } = useSession();
  const navigate = useNavigate();
  const { github } = useSearch({ from: "/app/onboarding" });
  return (
    <div className="page max-w-[880px]">
      <PageHead title="Set up">
        From here to the first pull request in five steps. The list goes on by itself.
      </PageHead>
      {github && <GitHubSetback code={github} />}
      {organization ? (
        <Steps organization={organization.id} />
      ) : (
        <StepList
          steps={fresh}
          open="organization"
          body={() => (
            <div className="max-w-sm">
              <OrganizationForm onMade={(org) => void navigate({ to: "/onboarding", search: { org } })} />
            </div>
          )}
        />
      )}
    </div>
  );
}

/** Why the person came back from GitHub with nothing. */
function GitHubSetback({ code }: { code: string }) {
  const { what, remedy } = githubSetback(code);
  return (
    <div role="alert" className="mb-6">
      <Notice tone="bad">
        <p className="font-semibold">{what}</p>
        <p className="text-ink">
          <Prose text={remedy} />
        </p>
      </Notice>
    </div>
  );
}

function Steps({ organization }: { organization: string }) {
  const query = useQuery(onboardingQuery(organization));
  // The manifest stays in sight until the person goes on, also when the agent is already here.
  const [adding, setAdding] = useState(false);
  return (
    <Loaded query={query}>
      {(onboarding) => {
        const next = onboarding.steps.find((step) => !step.done)?.step;
        const open = adding ? "cluster" : next;
        return (
          <>
            <StepList
              steps={onboarding.steps}
              open={open}
              body={(step) => (
                <Body
                  organization={organization}
                  onboarding={onboarding}
                  step={step}
                  adding={adding}
                  setAdding={setAdding}
                />
              )}
            />
            {!next && <Finished />}
          </>
        );
      }}
    </Loaded>
  );
}

interface BodyProps {
  organization: string;
  onboarding: Onboarding;
  step: OnboardingStepName;
  adding: boolean;
  setAdding: (adding: boolean) => void;
}

function Body({ organization, onboarding, step, adding, setAdding }: BodyProps) {
  const navigate = useNavigate();
  switch (step) {
    case "organization":
      return null;
    case "git-hub":
      return <ConnectRepository organization={organization} installUrl={onboarding.github_install_url} />;
    case "cluster":
      return adding ? (
        <AddCluster organization={organization} onConnected={() => setAdding(false)} />
      ) : (
        <Button look="primary" onClick={() => setAdding(true)}>
          Add a cluster
        </Button>
      );
    case "agent":
      return (
        <Link to="/clusters" className={buttonClass()}>
          Look at the cluster
        </Link>
      );
    case "policy":
      return <FirstPolicy organization={organization} onSeen={() => void navigate({ to: "/" })} />;
  }
}

interface StepListProps {
  steps: Step[];
  open: OnboardingStepName | undefined;
  body: (step: OnboardingStepName) => ReactNode;
}

function StepList({ steps, open, body }: StepListProps) {
  const organization = useSession().organization?.name;
  return (
    <ol className="steps">
      {steps.map((step, index) => {
        const current = step.step === open;
        return (
          <li key={step.step} data-done={step.done} aria-current={current ? "step" : undefined}>
            <StepMark done={step.done} current={current} number={index + 1} />
            <div className="min-w-0 pb-8">
              <h2 className={current || step.done ? "text-base font-semibold" : "text-base text-soft"}>
                {titles[step.step]}
                <span className="sr-only">{step.done ? ", done" : current ? ", now" : ", later"}</span>
              </h2>
              <p className={step.done ? "text-good" : "text-soft"} role="status">
                {wordsOf(step, organization)}
              </p>
              {current && <div className="mt-4">{body(step.step)}</div>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

/** What was seen. A name stays as it is written; the API's other words begin small, to stand inside a sentence. */
function wordsOf(step: Step, organization: string | undefined): string {
  if (!step.done) return sentence(step.message);
  if (step.step === "organization") return organization ?? step.message;
  return step.step === "git-hub" || step.step === "cluster" ? step.message : sentence(step.message);
}

function StepMark({ done, current, number }: { done: boolean; current: boolean; number: number }) {
  if (done) {
    return (
      <span className="step-mark bg-good text-paper">
        <Check size={15} strokeWidth={2.5} aria-hidden />
      </span>
    );
  }
  return (
    <span
      className={
        current ? "step-mark border-2 border-ink font-semibold" : "step-mark border border-field text-soft"
      }
    >
      {number}
    </span>
  );
}

function Finished() {
  return (
    <div className="border-t border-line pt-6">
      <p className="mb-4 text-base">
        Everything is set up. The next tag that a policy allows becomes a change.
      </p>
      <Link to="/" className={buttonClass("primary")}>
        Go to the Overview
      </Link>
    </div>
  );
}
