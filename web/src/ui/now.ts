import { useSyncExternalStore } from "react";

// One clock for the page, which ticks only while somebody looks at it.
const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function tick() {
  now = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  timer ??= setInterval(() => {
    if (!document.hidden) tick();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

function read() {
  // The first look after a pause must not be old.
  if (listeners.size === 0) now = Date.now();
  return now;
}

/** The time, to the second; `step` makes it coarser, so that a page of ages is not drawn each second. */
export function useNow(step = 1_000): number {
  return useSyncExternalStore(subscribe, () => Math.floor(read() / step) * step);
}
