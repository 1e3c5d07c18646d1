import { Outlet, useLocation } from "@tanstack/react-router";
import { useCallback, useEffect, useRef, useState } from "react";
import { Announcer } from "./announcer";
import { KeySheet, useKeys } from "./keys";
import { LiveProvider } from "./live";
import { Logo } from "./logo";
import { BottomNavigation, SideNavigation } from "./navigation";
import { SearchDialog } from "./search";
import { SessionProvider, useSession } from "./session";
import { OrganizationSwitch, TopBar } from "./top-bar";

/** Everything around a page. */
export function Shell() {
  return (
    <SessionProvider>
      <Frame />
    </SessionProvider>
  );
}

function Frame() {
  const { organization } = useSession();
  const [open, setOpen] = useState<"search" | "keys">();
  const close = useCallback(() => setOpen(undefined), []);
  const search = useCallback(() => setOpen("search"), []);
  const keys = useCallback(() => setOpen("keys"), []);
  useKeys({ search, help: keys });
  return (
    <LiveProvider organization={organization?.id}>
      <SkipLink />
      <div className="md:grid md:grid-cols-[232px_minmax(0,1fr)]">
        <aside className="sticky top-0 hidden h-dvh flex-col gap-5 border-r border-line px-4 py-4 md:flex">
          <div className="px-3 pt-1">
            <Logo />
          </div>
          {organization && (
            <>
              <OrganizationSwitch />
              <SideNavigation />
            </>
          )}
        </aside>
        <div className="min-w-0">
          <TopBar onSearch={search} onKeys={keys} />
          <Main />
        </div>
      </div>
      {organization && (
        <>
          <BottomNavigation />
          <Announcer organization={organization.id} key={organization.id} />
          <SearchDialog open={open === "search"} onClose={close} />
        </>
      )}
      <KeySheet open={open === "keys"} onClose={close} />
    </LiveProvider>
  );
}

/** A new page begins at its top, for the keyboard and for screen readers too. */
function Main() {
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const last = useRef(pathname);
  useEffect(() => {
    if (last.current === pathname) return;
    last.current = pathname;
    main.current?.focus({ preventScroll: true });
  }, [pathname]);
  return (
    <main id="main" ref={main} tabIndex={-1} className="outline-none">
      <Outlet />
    </main>
  );
}

function SkipLink() {
  return (
    <a
      href="#main"
      className="sr-only z-50 rounded bg-accent-fill px-4 py-2 font-semibold text-accent-on focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
    >
      Skip to the page
    </a>
  );
}
