// Long names, shortened in the middle, where they differ least.

export function shortRevision(revision: string): string {
  return revision.slice(0, 7);
}

export function middle(text: string, most: number): string {
  if (text.length <= most) return text;
  const head = Math.ceil((most - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (most - 1 - head))}`;
}

/** `ghcr.io/acme/api` → `api`. */
export function imageName(repository: string): string {
  return repository.slice(repository.lastIndexOf("/") + 1);
}

export interface ImageParts {
  repository: string;
  tag: string | undefined;
  digest: string | undefined;
}

/** The parts of `host:port/path:tag@digest`. */
export function imageParts(reference: string): ImageParts {
  const at = reference.indexOf("@");
  const named = at < 0 ? reference : reference.slice(0, at);
  const digest = at < 0 ? undefined : reference.slice(at + 1);
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  return colon < 0
    ? { repository: named, tag: undefined, digest }
    : { repository: named.slice(0, colon), tag: named.slice(colon + 1), digest };
}

/** `git:https://github.com/acme/config` → `acme/config`. */
export function repositoryName(url: string): string {
  return url.split("/").slice(-2).join("/");
}

/** A Sync as Kubernetes names it: `heddle-system/shop`. */
export function syncName(sync: { namespace: string; name: string }): string {
  return `${sync.namespace}/${sync.name}`;
}
