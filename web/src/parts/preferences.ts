// What this browser keeps: looks and keys. `public/theme.js` applies the looks before the first paint.
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();

function usePreference<T extends string>(name: string, values: readonly T[], fallback: T) {
  const value = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => values.find((one) => one === localStorage.getItem(`heddle.${name}`)) ?? fallback,
  );
  const set = (next: T) => {
    localStorage.setItem(`heddle.${name}`, next);
    document.documentElement.dataset[name] = next;
    for (const listener of listeners) listener();
  };
  return [value, set] as const;
}

const themes = ["system", "light", "dark"] as const;
const densities = ["roomy", "dense"] as const;
const onOff = ["on", "off"] as const;

export function useTheme() {
  return usePreference("theme", themes, "system");
}

export function useDensity() {
  return usePreference("density", densities, "roomy");
}

/** Keys without Ctrl get in the way of speech input, so they can be turned off (WCAG 2.1.4). */
export function useSingleKeys() {
  return usePreference("keys", onOff, "on");
}
