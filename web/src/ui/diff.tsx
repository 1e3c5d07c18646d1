import { cx } from "./class";
import { CodeBlock } from "./code-block";

/** A unified diff; plus and minus stand in the text, so colour only helps. */
export function Diff({ text, label }: { text: string; label: string }) {
  const lines = text
    .replace(/\n$/, "")
    .split("\n")
    .map((line, index) => ({ key: `${index}`, line }));
  return (
    <CodeBlock label={label} className="border border-line bg-surface py-2 text-sm leading-6">
      <code className="inline-block min-w-full">
        {lines.map(({ key, line }) => (
          <span key={key} className={cx("block px-4", paint(line))}>
            {line || " "}
          </span>
        ))}
      </code>
    </CodeBlock>
  );
}

function paint(line: string): string {
  if (line.startsWith("+++") || line.startsWith("---")) return "text-soft";
  if (line.startsWith("+")) return "bg-good-wash text-good";
  if (line.startsWith("-")) return "bg-bad-wash text-bad";
  if (line.startsWith("@@")) return "text-soft";
  return "";
}
