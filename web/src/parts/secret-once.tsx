import { Command } from "../ui/copy";
import { Notice } from "../ui/notice";

/** A secret that is shown this once. */
export function SecretOnce({ what, secret }: { what: string; secret: string }) {
  return (
    <div className="space-y-3">
      <Notice tone="wait">{what} is shown this once. Keep it where secrets are kept.</Notice>
      <Command text={secret} />
    </div>
  );
}
