// The words of drift, as the command line has them.
import type { DriftItem, DriftRecord, DriftState, DriftTool, Found } from "../api/types";
import { syncName } from "./shorten";
import type { Word } from "./state";

export const driftWord: Record<DriftState, Word> = {
  differs: { word: "Differs", tone: "bad" },
  "not-looked-at": { word: "Not looked at", tone: "grey" },
  unknown: { word: "Unknown", tone: "wait" },
  same: { word: "Same", tone: "good" },
};

export const foundWord: Record<Found, Word> = {
  differs: driftWord.differs,
  unknown: driftWord.unknown,
  same: driftWord.same,
};

export const toolName: Record<DriftTool, string> = {
  kubernetes: "Kubernetes",
  terraform: "Terraform",
  ansible: "Ansible",
};

export function toolWord(record: Pick<DriftRecord, "tool" | "sync">): string {
  return record.sync ? "Sync" : toolName[record.tool];
}

export function driftKey(record: DriftRecord): string {
  return record.id ?? (record.sync ? `${record.sync.cluster} ${syncName(record.sync.sync)}` : record.source);
}

const toBe: Record<DriftItem["deviation"], string> = {
  missing: "is to be made",
  changed: "is to be changed",
  replaced: "is to be replaced",
  unwanted: "is to be removed",
  forgotten: "is to be forgotten",
  moved: "is to be moved",
  imported: "is to be imported",
};

/** How a thing differs: `was changed outside`, `is to be made`. */
export function itemWords({ cause, deviation }: Pick<DriftItem, "cause" | "deviation">): string {
  if (cause === "outside") return deviation === "missing" ? "was removed outside" : "was changed outside";
  if (cause === "either") return deviation === "missing" ? "is not there" : "would change";
  return toBe[deviation];
}

/** `1 d`, `6 h`, `30 min`: how often somebody must look. */
export function often(seconds: number): string {
  const units: [number, string][] = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
  ];
  const [size, name] = units.find(([size]) => seconds % size === 0) ?? [1, "s"];
  return `${seconds / size} ${name}`;
}
