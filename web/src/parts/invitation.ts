// An invitation's code on its way from the link to the account. It stands behind the `#` of the link and in this tab's
// storage, and so in no address that a server or a log sees.

const kept = "heddle.invitation";

/** The address to hand over. */
export function invitationLink(code: string): string {
  return `${location.origin}/join#${encodeURIComponent(code)}`;
}

export function keptInvitation(): string {
  return sessionStorage.getItem(kept) ?? "";
}

export function keepInvitation(code: string) {
  sessionStorage.setItem(kept, code);
}

export function dropInvitation() {
  sessionStorage.removeItem(kept);
}
