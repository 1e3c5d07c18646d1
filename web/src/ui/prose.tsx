/** A sentence in which backticks mark code, as the API writes them. */
export function Prose({ text }: { text: string }) {
  const parts = text.split("`").map((part, index) => ({ part, key: `${index}`, code: index % 2 === 1 }));
  return parts.map(({ part, key, code }) =>
    code ? (
      <code key={key} className="break-words">
        {part}
      </code>
    ) : (
      part
    ),
  );
}
