import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { Button, IconButton, type Look } from "./button";
import { CodeBlock } from "./code-block";

function useCopy(text: string) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2_000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => undefined,
    );
  };
  return { copied, copy };
}

function Told({ copied }: { copied: boolean }) {
  return (
    <span className="sr-only" role="status">
      {copied ? "Copied" : ""}
    </span>
  );
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const { copied, copy } = useCopy(text);
  return (
    <>
      <IconButton label={label} onClick={copy} className="size-7">
        {copied ? <Check size={15} aria-hidden /> : <Copy size={15} aria-hidden />}
      </IconButton>
      <Told copied={copied} />
    </>
  );
}

export function CopyTextButton({ text, children, look }: { text: string; children: string; look?: Look }) {
  const { copied, copy } = useCopy(text);
  return (
    <>
      <Button look={look} onClick={copy}>
        {copied ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />}
        {copied ? "Copied" : children}
      </Button>
      <Told copied={copied} />
    </>
  );
}

/** A command to run in a shell, with a button that copies it. */
export function Command({ text }: { text: string }) {
  return (
    <div className="flex items-start gap-2 rounded border border-line bg-sunk py-2 pr-2 pl-3">
      <CodeBlock label="Command" className="flex-1 py-1 text-sm">
        {text}
      </CodeBlock>
      <CopyButton text={text} label={`Copy ${text.split("\n")[0]}`} />
    </div>
  );
}
