// One event stream for all tabs of a browser: the tab that holds the lock reads it and tells the others.
import type { QueryClient } from "@tanstack/react-query";
import { isRecord } from "./problem";
import { topics } from "./queries";
import type { Topic } from "./types";

/** Whether what is shown is being kept up to date. */
export interface LiveState {
  live: boolean;
  /** When the stream was last known to be open; `undefined` before the first time. */
  asOf: number | undefined;
}

type Message = { kind: "changed"; topic: Topic } | { kind: "live"; live: boolean } | { kind: "who" };

/** What to read again when a topic changed; a word of one page may follow from facts of several. */
const follows: Record<Topic, string[]> = {
  changes: [topics.changes, topics.workloads, topics.verdicts, topics.onboarding],
  workloads: [topics.workloads, topics.changes, topics.onboarding],
  clusters: [
    topics.clusters,
    topics.changes,
    topics.workloads,
    topics.status,
    topics.onboarding,
    topics.drift,
  ],
  repositories: [topics.repositories, topics.workloads, topics.verdicts, topics.status, topics.onboarding],
  status: [topics.status, topics.workloads, topics.verdicts],
  drift: [topics.drift],
};

const retryAfter = { first: 1_000, most: 30_000 };
/** Many things change at once; they are read again together. */
const gather = 120;

export class LiveLink {
  #state: LiveState = { live: false, asOf: undefined };
  readonly #listeners = new Set<() => void>();
  readonly #organization: string;
  readonly #queries: QueryClient;
  readonly #ended = new AbortController();
  readonly #tabs: BroadcastChannel;
  readonly #due = new Set<string>();
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #leads = false;

  constructor(organization: string, queries: QueryClient) {
    this.#organization = organization;
    this.#queries = queries;
    this.#tabs = new BroadcastChannel(`heddle.live.${organization}`);
    this.#tabs.onmessage = (event) => this.#hear(event.data);
    this.#tabs.postMessage({ kind: "who" } satisfies Message);
    this.#lead();
  }

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): LiveState => this.#state;

  close() {
    this.#ended.abort();
    this.#tabs.close();
    clearTimeout(this.#gathering);
  }

  /** Waits to be the one tab that reads; without locks each tab reads for itself. */
  #lead() {
    const { signal } = this.#ended;
    // Only a secure context has them: https, or a loopback address.
    const { locks }: { locks?: LockManager | null } = navigator;
    if (!locks) {
      void this.#read();
      return;
    }
    locks.request(`heddle.live.${this.#organization}`, { signal }, () => this.#read()).catch(() => undefined);
  }

  async #read() {
    const { signal } = this.#ended;
    this.#leads = true;
    let wait = retryAfter.first;
    while (!signal.aborted) {
      await this.#listen(() => {
        wait = retryAfter.first;
      });
      await pause(wait, signal);
      wait = Math.min(wait * 2, retryAfter.most);
    }
  }

  /** Reads one stream until it breaks for good; the browser mends short breaks by itself. */
  #listen(opened: () => void): Promise<void> {
    const { signal } = this.#ended;
    return new Promise((resolve) => {
      const source = new EventSource(`/api/v1/organizations/${this.#organization}/events`);
      const end = () => {
        source.close();
        resolve();
      };
      signal.addEventListener("abort", end, { once: true });
      source.onopen = () => {
        opened();
        this.#say({ kind: "live", live: true });
      };
      source.addEventListener("changed", (event) => {
        const topic = topicOf(event.data);
        if (topic) this.#say({ kind: "changed", topic });
      });
      source.onerror = () => {
        this.#say({ kind: "live", live: false });
        if (source.readyState === EventSource.CLOSED) end();
      };
    });
  }

  #say(message: Message) {
    if (this.#ended.signal.aborted) return;
    this.#tabs.postMessage(message);
    this.#take(message);
  }

  #hear(data: unknown) {
    const message = messageOf(data);
    if (!message) return;
    if (message.kind !== "who") this.#take(message);
    else if (this.#leads) this.#tabs.postMessage({ kind: "live", live: this.#state.live } satisfies Message);
  }

  #take(message: Message) {
    if (message.kind === "changed") {
      this.#refresh(follows[message.topic]);
      return;
    }
    if (message.kind === "who" || message.live === this.#state.live) return;
    const asOf = Date.now();
    // What happened while nobody listened is not told again.
    if (message.live && this.#state.asOf !== undefined) this.#refresh(Object.values(topics));
    this.#state = { live: message.live, asOf };
    for (const listener of this.#listeners) listener();
  }

  #refresh(keys: string[]) {
    for (const key of keys) this.#due.add(key);
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      for (const key of this.#due) {
        void this.#queries.invalidateQueries({ queryKey: [key, this.#organization] });
      }
      this.#due.clear();
    }, gather);
  }
}

function topicOf(data: unknown): Topic | undefined {
  if (typeof data !== "string") return undefined;
  try {
    const event: unknown = JSON.parse(data);
    return isRecord(event) && isTopic(event.topic) ? event.topic : undefined;
  } catch {
    return undefined;
  }
}

function messageOf(data: unknown): Message | undefined {
  if (!isRecord(data)) return undefined;
  if (data.kind === "who") return { kind: "who" };
  if (data.kind === "live" && typeof data.live === "boolean") return { kind: "live", live: data.live };
  if (data.kind === "changed" && isTopic(data.topic)) return { kind: "changed", topic: data.topic };
  return undefined;
}

function isTopic(value: unknown): value is Topic {
  return typeof value === "string" && Object.hasOwn(follows, value);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
