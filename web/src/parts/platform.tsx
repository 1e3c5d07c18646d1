// How the parts of the platform are: numbers first, then one stripe for each thing that needs a person.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { api, done } from "../api/client";
import { topics } from "../api/queries";
import type { AskedRepository, Status, UnreadableImages } from "../api/types";
import { Shape, toneText } from "../ui/badge";
import { Button } from "../ui/button";
import { cx } from "../ui/class";
import { useNow } from "../ui/now";
import { Prose } from "../ui/prose";
import { Time } from "../ui/time";
import type { Tone } from "../ui/tone";
import { sentence } from "../words/sentence";
import { imageName } from "../words/shorten";
import { useRefusal } from "./session";
import { FormFault } from "./trouble";

/** An automator renews its leases every few seconds; silence this long means that none runs. */
const silent = 120_000;

export function Numbers({ children }: { children: ReactNode }) {
  return (
    <dl className="numbers mb-6 grid grid-cols-3 gap-y-1 border-y border-line py-2 md:flex md:divide-x md:divide-line md:py-0">
      {children}
    </dl>
  );
}

interface NumberProps {
  label: string;
  value: ReactNode;
  note?: ReactNode;
  tone?: "wait" | "bad" | undefined;
}

export function BigNumber({ label, value, note, tone }: NumberProps) {
  return (
    <div className="flex flex-col py-1 pr-3 md:flex-1 md:px-6 md:py-4 md:first:pl-0">
      <dt className="text-xs text-soft">{label}</dt>
      <dd
        className={cx(
          "text-lg font-semibold tracking-tight md:text-xl md:leading-9",
          tone === "bad" && "text-bad",
          tone === "wait" && "text-wait",
        )}
      >
        {value}
      </dd>
      {note && <dd className="hidden text-xs text-soft md:block">{note}</dd>}
    </div>
  );
}

/** Whether the bot is alive, and when it last looked. */
export function Heartbeat({ status }: { status: Status }) {
  const now = useNow(5_000);
  const alive = isAlive(status, now);
  return (
    <BigNumber
      label="Registries read"
      value={
        status.scanned_at ? (
          <Time at={status.scanned_at} as="age" />
        ) : (
          <span className="text-soft">not yet</span>
        )
      }
      tone={alive ? undefined : "bad"}
      note={status.scanned_at ? "ago" : "once an image has a policy"}
    />
  );
}

export function Troubles({ organization, status }: { organization: string; status: Status }) {
  const now = useNow(5_000);
  const away = status.clusters - status.clusters_connected;
  // A login speaks for its images.
  const others = status.failing_images.filter((one) => one.fault == null);
  return (
    <ul className="empty:hidden">
      {!isAlive(status, now) && (
        <Trouble tone="bad">
          <b className="font-semibold">
            {status.automator_seen_at ? (
              <>
                No automator since <Time at={status.automator_seen_at} as="clock" />.
              </>
            ) : (
              "No automator has asked for work yet."
            )}
          </b>{" "}
          New tags are not seen and nothing is written until one runs. What runs keeps running.
        </Trouble>
      )}
      {away > 0 && (
        <Trouble
          tone="wait"
          action={
            <Link to="/clusters" className="link">
              Clusters
            </Link>
          }
        >
          {away === 1 ? "1 cluster is" : `${away} clusters are`} not connected; the last known state is shown,
          with its age.
        </Trouble>
      )}
      {status.asking?.map((asked) => (
        <Asking key={`${asked.cluster}/${asked.repository}`} organization={organization} asked={asked} />
      ))}
      {status.unreadable?.map((one) => (
        <Unreadable key={`${one.login}/${one.fault}`} one={one} />
      ))}
      {status.slow_hosts?.map((slow) => (
        <Trouble key={slow.login} tone="wait">
          <Prose text={slow.message} />
          {slow.not_before && (
            <>
              {" "}
              until <Time at={slow.not_before} as="clock" />
            </>
          )}
          : {slow.images === 1 ? "1 image waits" : `${slow.images} images wait`} since{" "}
          <Time at={slow.since} as="clock" />.
        </Trouble>
      ))}
      {status.silent_automators?.map((silent) => (
        <Trouble
          key={silent.name}
          tone="bad"
          action={
            <Link to="/settings/$section" params={{ section: "automators" }} className="link">
              Automators
            </Link>
          }
        >
          <b className="font-semibold">{silent.name}</b>, which alone serves{" "}
          <Prose text={silent.hosts.map((host) => `\`${host}\``).join(", ")} />,{" "}
          {silent.seen_at ? (
            <>
              is silent since <Time at={silent.seen_at} as="clock" />
            </>
          ) : (
            "has not asked for work yet"
          )}
          : nobody scans {silent.images === 1 ? "its image" : `its ${silent.images} images`}.
        </Trouble>
      ))}
      {others.slice(0, 3).map((failing) => (
        <Trouble key={failing.image} tone="wait">
          <code title={failing.image}>{imageName(failing.image)}</code> cannot be read since{" "}
          <Time at={failing.since} as="clock" />: {failing.reason}
        </Trouble>
      ))}
      {others.length > 3 && <Trouble tone="wait">{others.length - 3} more images cannot be read.</Trouble>}
      {status.blocking_findings > 0 && (
        <Trouble
          tone="bad"
          action={
            <Link to="/settings/$section" params={{ section: "repositories" }} className="link">
              Findings
            </Link>
          }
        >
          {status.blocking_findings === 1 ? "1 finding keeps" : `${status.blocking_findings} findings keep`}{" "}
          something from being written.
        </Trouble>
      )}
    </ul>
  );
}

/** What a login, or the lack of one, keeps from being read. */
function Unreadable({ one }: { one: UnreadableImages }) {
  return (
    <Trouble
      tone="bad"
      action={
        <Link to="/settings/$section" params={{ section: "registries" }} className="link">
          Registries
        </Link>
      }
    >
      <Prose text={sentence(one.message)} /> Nothing newer is written for{" "}
      {one.images.map((image, at) => (
        <span key={image}>
          {at > 0 && ", "}
          <code title={image}>{imageName(image)}</code>
        </span>
      ))}
      {one.count > one.images.length && ` and ${one.count - one.images.length} more`}, since{" "}
      <Time at={one.since} as="clock" />.
    </Trouble>
  );
}

/** A repository that a Sync follows and that its cluster may not read yet. */
function Asking({ organization, asked }: { organization: string; asked: AskedRepository }) {
  const queries = useQueryClient();
  const refusal = useRefusal("admin");
  const approve = useMutation({
    mutationFn: () =>
      done(
        api.POST(
          "/api/v1/organizations/{organization}/clusters/{cluster}/repositories/{repository}/approve",
          { params: { path: { organization, cluster: asked.cluster, repository: asked.repository } } },
        ),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: [topics.status, organization] }),
  });
  return (
    <Trouble
      tone="wait"
      action={
        <Button small because={refusal} busy={approve.isPending} onClick={() => approve.mutate()}>
          Let it read {asked.repository_name}
        </Button>
      }
    >
      A Sync in <b className="font-semibold">{asked.cluster_name}</b> follows{" "}
      <code>{asked.repository_name}</code>, which nobody approved for that cluster. It gets no token for it
      until you do.
      <FormFault error={approve.error} />
    </Trouble>
  );
}

/** One thing that needs somebody, with what moves it. */
export function Trouble({ tone, action, children }: { tone: Tone; action?: ReactNode; children: ReactNode }) {
  return (
    <li className="flex flex-wrap items-baseline gap-x-3 gap-y-2 border-b border-line py-2">
      <span className={toneText(tone)}>
        <Shape tone={tone} />
      </span>
      <span className="min-w-0 flex-1 basis-56 text-pretty">{children}</span>
      {action}
    </li>
  );
}

function isAlive(status: Status, now: number): boolean {
  return status.automator_seen_at != null && now - Date.parse(status.automator_seen_at) < silent;
}
