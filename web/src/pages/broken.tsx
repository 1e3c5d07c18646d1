import { Link, useRouter } from "@tanstack/react-router";
import { Logo } from "../parts/logo";
import { Trouble } from "../parts/trouble";
import { buttonClass } from "../ui/button";

export function MissingPage() {
  return (
    <main className="page space-y-4">
      <Logo />
      <h1 className="text-xl font-semibold">There is no such page</h1>
      <p className="text-base text-soft">The address may be mistyped, or what it named is gone.</p>
      <Link to="/" className={buttonClass("primary")}>
        Go to the Overview
      </Link>
    </main>
  );
}

export function BrokenPage({ error }: { error: unknown }) {
  const router = useRouter();
  return (
    <main className="page space-y-4">
      <h1 className="text-xl font-semibold">This page could not be shown</h1>
      <Trouble
        error={error instanceof Error ? error : new Error(String(error))}
        onRetry={() => void router.invalidate()}
      />
    </main>
  );
}
