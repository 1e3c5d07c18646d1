import { Link } from "@tanstack/react-router";
import type { Workload, WorkloadImage } from "../api/types";
import { Badge } from "../ui/badge";
import { Prose } from "../ui/prose";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { sentence } from "../words/sentence";
import { imageName, imageParts, middle, syncName } from "../words/shorten";
import { healthWord, isOld } from "../words/state";
import { EnvironmentChip } from "./names";

const columns: Column<Workload>[] = [
  { head: "Workload", title: true, cell: (workload) => <Name workload={workload} /> },
  { head: "Where", bare: true, cell: (workload) => <Where workload={workload} /> },
  {
    head: "Health",
    bare: true,
    cell: (workload) => <Health workload={workload} />,
    className: "md:max-w-64",
  },
  {
    head: "Runs",
    cell: (workload) => <Each workload={workload} show={(image) => <Running image={image} />} />,
  },
  {
    head: "Git says",
    cell: (workload) => <Each workload={workload} show={(image) => <Desired image={image} />} />,
  },
  {
    head: "Newest allowed",
    cell: (workload) => <Each workload={workload} show={(image) => <Newest image={image} />} />,
  },
  { head: "State", cell: (workload) => <State workload={workload} />, className: "md:max-w-56" },
];

/** What runs, what Git says, what could run, and the state in words. */
export function WorkloadTable({ workloads }: { workloads: Workload[] }) {
  return (
    <Table
      caption="Workloads by cluster, namespace and name"
      columns={columns}
      rows={workloads}
      rowKey={(one) => `${one.cluster}/${syncName(one.sync)}/${one.kind}/${one.namespace}/${one.name}`}
    />
  );
}

function Name({ workload }: { workload: Workload }) {
  return (
    <span className="min-w-0">
      <span className="font-semibold break-words">{workload.name}</span>
      <span className="block text-xs text-soft">
        {workload.kind} in {workload.namespace}
      </span>
    </span>
  );
}

function Where({ workload }: { workload: Workload }) {
  return (
    <span className="flex flex-wrap items-center gap-1.5">
      <Link to="/clusters/$cluster" params={{ cluster: workload.cluster }} className="hover:underline">
        {workload.cluster_name}
      </Link>
      {workload.environment && <EnvironmentChip name={workload.environment} />}
    </span>
  );
}

function Health({ workload }: { workload: Workload }) {
  const { word, tone } = healthWord[workload.health];
  const away = isOld(workload.link) || workload.unseen_since != null;
  return (
    <span>
      <Badge tone={away ? "grey" : tone}>{word}</Badge>
      {workload.unseen_since != null ? (
        <span className="block text-xs text-soft">
          not seen since <Time at={workload.unseen_since} as="clock" />
        </span>
      ) : away ? (
        <span className="block text-xs text-soft">
          as of <Time at={workload.reported_at} as="clock" />
        </span>
      ) : (
        workload.health !== "healthy" && (
          <span className="block text-xs text-pretty text-soft">
            {workload.reason && (
              <>
                <Prose text={sentence(workload.reason)} />,{" "}
              </>
            )}
            for <Time at={workload.since} as="age" />
          </span>
        )
      )}
    </span>
  );
}

function Each({ workload, show }: { workload: Workload; show: (image: WorkloadImage) => React.ReactNode }) {
  return (
    <span className="flex flex-col gap-1">
      {workload.images.map((image) => (
        <span key={image.running.container}>{show(image)}</span>
      ))}
    </span>
  );
}

function Running({ image }: { image: WorkloadImage }) {
  const { repository, tag, digest } = imageParts(image.running.image);
  return (
    <span className="whitespace-nowrap" title={`${image.running.container}: ${image.running.image}`}>
      <code className="text-soft">{imageName(repository)}:</code>
      <code>{tag ?? (digest ? middle(digest, 16) : "latest")}</code>
    </span>
  );
}

function Desired({ image }: { image: WorkloadImage }) {
  if (!image.desired) return <Nothing what="unknown" />;
  const same = image.desired === imageParts(image.running.image).tag;
  return <code className={same ? "text-soft" : "font-semibold"}>{image.desired}</code>;
}

function Newest({ image }: { image: WorkloadImage }) {
  if (!image.governed) return <Nothing what="no policy" />;
  if (!image.newest) return <Nothing what="none yet" />;
  return (
    <code className={image.newest === image.desired ? "text-soft" : "font-semibold"}>{image.newest}</code>
  );
}

function Nothing({ what }: { what: string }) {
  return <span className="text-xs text-soft">{what}</span>;
}

function State({ workload }: { workload: Workload }) {
  const change = workload.images.find((image) => image.change)?.change;
  const governed = workload.images.filter((image) => image.governed);
  const words = sentence(workload.state);
  return (
    <span className="text-pretty">
      {change ? (
        <Link to="/changes/$change" params={{ change }} className="link">
          {words}
        </Link>
      ) : (
        words
      )}
      {workload.environment &&
        governed.map((image) => (
          <WhyLink
            key={image.running.container}
            environment={workload.environment ?? ""}
            image={imageParts(image.running.image).repository}
          />
        ))}
    </span>
  );
}

function WhyLink({ environment, image }: { environment: string; image: string }) {
  return (
    <Link
      to="/workloads"
      search={(search) => ({ ...search, why: image, in: environment })}
      className="link block text-xs leading-6 whitespace-nowrap"
    >
      Why this tag
      <span className="sr-only">
        {" "}
        of {imageName(image)} in {environment}
      </span>
    </Link>
  );
}
