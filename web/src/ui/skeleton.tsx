/** The layout that will come, shown when it takes longer than 300 ms, with words after 3 s. */
export function Skeleton({ rows = 6, tall = false }: { rows?: number; tall?: boolean }) {
  return (
    <div className="late" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => row).map((row) => (
        <div key={row} className={`flex items-center gap-6 border-b border-line ${tall ? "h-24" : "h-11"}`}>
          <span className="h-3 w-1/4 rounded-sm bg-sunk" />
          <span className="h-3 w-1/2 rounded-sm bg-sunk" />
          <span className="ml-auto h-3 w-16 rounded-sm bg-sunk" />
        </div>
      ))}
      <p className="later pt-4 text-soft">Still reading. Nothing is wrong yet; it takes longer than usual.</p>
    </div>
  );
}
