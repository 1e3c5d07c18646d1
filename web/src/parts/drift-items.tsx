import type { DriftItem } from "../api/types";
import { Time } from "../ui/time";
import { count } from "../words/count";
import { itemWords } from "../words/drift";

/** What differs, thing by thing; what is there stands after a minus, what is wanted after a plus. */
export function DriftItems({ items, more }: { items: DriftItem[]; more: number }) {
  return (
    <>
      <ul className="divide-y divide-line border-y border-line">
        {items.map((item, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a tool may name a thing twice, and the list is never reordered
          <li key={index} className="py-3">
            <p className="break-words">
              <code className="font-semibold">{item.object}</code> {itemWords(item)}
              {item.by && <span className="text-soft"> by {item.by}</span>}
              {item.at && (
                <span className="text-soft">
                  , <Time at={item.at} />
                </span>
              )}
              {item.reason && <span className="text-soft"> ({item.reason})</span>}
            </p>
            <Places item={item} />
          </li>
        ))}
      </ul>
      {more > 0 && <p className="mt-1 text-soft">and {count(more, "more thing")}</p>}
    </>
  );
}

function Places({ item }: { item: DriftItem }) {
  const places = item.differences;
  if (places.length === 0 && !item.more) return null;
  return (
    <dl className="mt-1 space-y-1 pl-4 text-sm">
      {places.map((place, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: as above
        <div key={index} className="md:grid md:grid-cols-[minmax(0,16rem)_minmax(0,1fr)] md:gap-4">
          <dt className="break-words text-soft">
            <code>{place.path || "value"}</code>
          </dt>
          <dd className="min-w-0">
            <Side sign="-" label="is" text={place.live} tone="bg-bad-wash text-bad" />
            <Side sign="+" label="wanted" text={place.desired} tone="bg-good-wash text-good" />
          </dd>
        </div>
      ))}
      {item.more > 0 && (
        <div>
          <dt className="text-soft">and {count(item.more, "more place")}</dt>
          <dd />
        </div>
      )}
    </dl>
  );
}

interface SideProps {
  sign: string;
  label: string;
  text: string | null | undefined;
  tone: string;
}

function Side({ sign, label, text, tone }: SideProps) {
  if (text === null || text === undefined) return null;
  return (
    <code className={`block px-2 break-words whitespace-pre-wrap ${tone}`}>
      <span className="sr-only">{label}: </span>
      {text
        .replace(/\n$/, "")
        .split("\n")
        .map((line) => `${sign} ${line}`)
        .join("\n")}
    </code>
  );
}
