import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Button, IconButton } from "./button";
import { cx } from "./class";

interface Props {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: ReactNode;
  children: ReactNode;
  wide?: boolean;
}

/** What floats over the page until it is answered. The veil is ours: Radix's adds a style element, which the policy forbids. */
export function Dialog({ open, onClose, title, description, children, wide }: Props) {
  // Our dialogs open by address or state and not by Radix's trigger, so we remember what had the focus.
  const opener = useRef<Element>(null);
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <div className="fixed inset-0 z-40 bg-veil" aria-hidden />
        <Radix.Content
          className={cx(
            "rise fixed inset-x-0 bottom-0 z-50 flex max-h-[92dvh] flex-col rounded-t bg-surface shadow-float outline-none",
            "md:inset-x-auto md:top-[10dvh] md:bottom-auto md:left-1/2 md:max-h-[80dvh] md:-translate-x-1/2 md:rounded",
            wide ? "md:w-[min(760px,calc(100vw-64px))]" : "md:w-[min(520px,calc(100vw-64px))]",
          )}
          {...(description ? {} : { "aria-describedby": undefined })}
          onOpenAutoFocus={(event) => {
            opener.current = document.activeElement;
            focusField(event);
          }}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            if (opener.current instanceof HTMLElement) opener.current.focus();
          }}
        >
          <div className="flex items-start gap-4 px-6 pt-5 pb-2">
            <div className="min-w-0 flex-1">
              <Radix.Title className="text-lg font-semibold">{title}</Radix.Title>
              {description && (
                <Radix.Description asChild>
                  <div className="mt-1 text-soft">{description}</div>
                </Radix.Description>
              )}
            </div>
            <Radix.Close asChild>
              <IconButton label="Close" className="-mr-2">
                <X size={18} aria-hidden />
              </IconButton>
            </Radix.Close>
          </div>
          <Body>{children}</Body>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** What scrolls must be reachable by keyboard; what does not scroll should not be a stop. */
function Body({ children }: { children: ReactNode }) {
  const body = useRef<HTMLDivElement>(null);
  const [scrolls, setScrolls] = useState(false);
  useEffect(() => {
    const element = body.current;
    if (!element) return;
    const measure = () => setScrolls(element.scrollHeight > element.clientHeight);
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    for (const child of element.children) watch.observe(child);
    return () => watch.disconnect();
  }, []);
  return (
    <div
      ref={body}
      tabIndex={scrolls ? 0 : undefined}
      className="min-h-0 flex-1 overflow-y-auto px-6 pt-1 pb-6"
    >
      <div>{children}</div>
    </div>
  );
}

/** A form begins in its first field, not at the button that closes it. */
function focusField(event: Event) {
  const { target } = event;
  const field = target instanceof HTMLElement && target.querySelector("input, select, textarea");
  if (!(field instanceof HTMLElement)) return;
  event.preventDefault();
  field.focus();
}

interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  action: string;
  onConfirm: () => void;
  busy: boolean;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ open, onClose, title, children, action, onConfirm, busy }: ConfirmProps) {
  return (
    <Dialog open={open} onClose={onClose} title={title}>
      <div className="space-y-3 text-base">{children}</div>
      <div className="mt-6 flex justify-end gap-3">
        <Button onClick={onClose}>Cancel</Button>
        <Button look="danger" busy={busy} onClick={onConfirm}>
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
