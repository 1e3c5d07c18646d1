import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LiveLink } from "./live";

class Source extends EventTarget {
  static readonly CLOSED = 2;
  static all: Source[] = [];
  readyState = 0;
  onopen: (() => void) | undefined;
  onerror: (() => void) | undefined;
  readonly url: string;

  constructor(url: string) {
    super();
    this.url = url;
    Source.all.push(this);
  }

  close() {
    this.readyState = Source.CLOSED;
  }

  say(data: unknown) {
    this.dispatchEvent(new MessageEvent("changed", { data: JSON.stringify(data) }));
  }
}

/** Tells every other channel of the same name, as tabs of a browser hear each other. */
class Channel {
  static all: Channel[] = [];
  onmessage: ((event: { data: unknown }) => void) | undefined;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
    Channel.all.push(this);
  }

  postMessage(data: unknown) {
    for (const other of Channel.all) {
      if (other !== this && other.name === this.name) other.onmessage?.({ data });
    }
  }

  close() {
    Channel.all = Channel.all.filter((one) => one !== this);
  }
}

/** One holder at a time; the next gets the lock when the one before lets go. */
function locks() {
  let last: Promise<unknown> = Promise.resolve();
  return {
    request: (_name: string, options: { signal: AbortSignal }, hold: () => Promise<void>) => {
      last = last.then(() => (options.signal.aborted ? undefined : hold()));
      return last;
    },
  };
}

const open: LiveLink[] = [];
const link = (queries: QueryClient) => {
  const made = new LiveLink("o1", queries);
  open.push(made);
  return made;
};

beforeEach(() => {
  Source.all = [];
  Channel.all = [];
  vi.stubGlobal("EventSource", Source);
  vi.stubGlobal("BroadcastChannel", Channel);
  vi.stubGlobal("navigator", { locks: locks() });
});

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

test("two tabs share one stream, and both read again", async () => {
  const first = new QueryClient();
  const second = new QueryClient();
  const firstAgain = vi.spyOn(first, "invalidateQueries");
  const secondAgain = vi.spyOn(second, "invalidateQueries");
  const leader = link(first);
  const follower = link(second);
  await vi.waitFor(() => expect(Source.all).toHaveLength(1));
  Source.all[0]?.onopen?.();
  expect(leader.state().live).toBe(true);
  expect(follower.state().live).toBe(true);

  Source.all[0]?.say({ topic: "workloads", id: null });
  await vi.waitFor(() => {
    expect(firstAgain).toHaveBeenCalledWith({ queryKey: ["workloads", "o1"] });
    expect(secondAgain).toHaveBeenCalledWith({ queryKey: ["workloads", "o1"] });
  });
});

test("a tab that comes later learns from the first whether the page is live", async () => {
  link(new QueryClient());
  await vi.waitFor(() => expect(Source.all).toHaveLength(1));
  Source.all[0]?.onopen?.();
  expect(link(new QueryClient()).state().live).toBe(true);
});

test("when the leading tab goes, another reads", async () => {
  const leader = link(new QueryClient());
  link(new QueryClient());
  await vi.waitFor(() => expect(Source.all).toHaveLength(1));
  leader.close();
  await vi.waitFor(() => expect(Source.all).toHaveLength(2));
});

test("after a break everything is read again, since nothing tells what was missed", async () => {
  const queries = new QueryClient();
  const again = vi.spyOn(queries, "invalidateQueries");
  const one = link(queries);
  await vi.waitFor(() => expect(Source.all).toHaveLength(1));
  Source.all[0]?.onopen?.();
  expect(again).not.toHaveBeenCalled();
  Source.all[0]?.onerror?.();
  expect(one.state().live).toBe(false);
  expect(one.state().asOf).toBeTypeOf("number");
  Source.all[0]?.onopen?.();
  await vi.waitFor(() => expect(again).toHaveBeenCalledWith({ queryKey: ["changes", "o1"] }));
});

test("what is no event of ours changes nothing", async () => {
  const queries = new QueryClient();
  const again = vi.spyOn(queries, "invalidateQueries");
  link(queries);
  await vi.waitFor(() => expect(Source.all).toHaveLength(1));
  Source.all[0]?.onopen?.();
  Source.all[0]?.say({ topic: "toString" });
  Source.all[0]?.dispatchEvent(new MessageEvent("changed", { data: "<html>" }));
  Source.all[0]?.say({ topic: "status" });
  await vi.waitFor(() => expect(again).toHaveBeenCalled());
  expect(again.mock.calls.map(([filter]) => filter?.queryKey?.[0])).toEqual([
    "status",
    "workloads",
    "verdicts",
  ]);
});
