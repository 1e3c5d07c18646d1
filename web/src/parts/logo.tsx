/** Three threads; the one in the middle goes through the heddle's eye. */
export function Logo() {
  return (
    <span className="inline-flex items-center gap-2.5 text-base font-semibold tracking-tight">
      <svg width="22" height="22" viewBox="0 0 22 22" aria-hidden="true" className="text-accent">
        <g fill="none" stroke="currentColor" strokeLinecap="round" strokeWidth="2">
          <path d="M4 2v18M18 2v18M11 1v4.500M11 16.500V21" />
          <ellipse cx="11" cy="11" rx="3.400" ry="5.500" />
        </g>
      </svg>
      Heddle
    </span>
  );
}
