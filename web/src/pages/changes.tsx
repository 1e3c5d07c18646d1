import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { changesQuery } from "../api/queries";
import { ChangeRows } from "../parts/change-row";
import { ChangeTable } from "../parts/change-table";
import { ExampleThread } from "../parts/example-rows";
import { Loaded } from "../parts/loaded";
import { More } from "../parts/more";
import { useEnvironment, useOrganization } from "../parts/session";
import { Empty } from "../ui/empty";
import { PageHead } from "../ui/page-head";
import { Tabs, tabClass } from "../ui/tabs";

export function ChangesPage() {
  const { id } = useOrganization();
  const environment = useEnvironment();
  const { show } = useSearch({ from: "/app/inside/changes" });
  const changes = useInfiniteQuery(
    changesQuery(id, { environment, state: show === "all" ? undefined : "in-flight" }),
  );
  return (
    <div className="page">
      <PageHead title="Changes">
        Each is one image bump in one environment, from its push to healthy.
      </PageHead>
      <Tabs label="Which changes">
        <Link to="/changes" search={{ show: undefined }} activeOptions={{ exact: true }} className={tabClass}>
          In flight{changes.data ? ` (${changes.data.pages[0]?.counts.in_flight ?? 0})` : ""}
        </Link>
        <Link to="/changes" search={{ show: "all" }} className={tabClass}>
          All
        </Link>
      </Tabs>
      <Loaded query={changes}>
        {({ pages }) => {
          const items = pages.flatMap((page) => page.items);
          return (
            <>
              {items.length === 0 ? (
                <Empty
                  title={show === "all" ? "No change yet" : "Nothing is on its way"}
                  picture={<ExampleThread />}
                >
                  A change begins when a tag is pushed that a policy allows. It stays here for good.
                </Empty>
              ) : show === "all" ? (
                <ChangeTable changes={items} caption="All changes, newest first" />
              ) : (
                <ChangeRows changes={items} />
              )}
              <More query={changes} what="changes" />
            </>
          );
        }}
      </Loaded>
    </div>
  );
}
