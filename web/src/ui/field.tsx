import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";
import { cx } from "./class";

const box =
  "w-full rounded border bg-surface text-ink h-10 px-3 text-base md:text-sm aria-invalid:border-bad border-field";

interface Words {
  label: string;
  hint?: ReactNode;
  fault?: string | undefined;
}

function Around({ id, label, hint, fault, children }: Words & { id: string; children: ReactNode }) {
  return (
    <div className="space-y-1.5">
      <label htmlFor={id} className="block font-semibold">
        {label}
      </label>
      {children}
      {hint && (
        <p id={`${id}-hint`} className="text-xs text-soft">
          {hint}
        </p>
      )}
      {fault && (
        <p id={`${id}-fault`} className="text-sm text-bad">
          {fault}
        </p>
      )}
    </div>
  );
}

function described(id: string, { hint, fault }: Words) {
  const ids = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean);
  return { "aria-describedby": ids.join(" ") || undefined, "aria-invalid": fault ? true : undefined };
}

type TextProps = Words &
  Omit<InputHTMLAttributes<HTMLInputElement>, "onChange"> & { onText: (text: string) => void };

export function TextField({ label, hint, fault, onText, className, ...rest }: TextProps) {
  const id = useId();
  return (
    <Around {...{ id, label, hint, fault }}>
      <input
        {...rest}
        {...described(id, { label, hint, fault })}
        id={id}
        className={cx(box, className)}
        onChange={(event) => onText(event.target.value)}
      />
    </Around>
  );
}

type AreaProps = Words &
  Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, "onChange"> & { onText: (text: string) => void };

/** Several lines of a file. */
export function AreaField({ label, hint, fault, onText, ...rest }: AreaProps) {
  const id = useId();
  return (
    <Around {...{ id, label, hint, fault }}>
      <textarea
        {...rest}
        {...described(id, { label, hint, fault })}
        id={id}
        spellCheck={false}
        className={cx(box, "h-auto py-2 font-mono")}
        onChange={(event) => onText(event.target.value)}
      />
    </Around>
  );
}

export interface Choice<T extends string> {
  value: T;
  label: string;
}

type ChoiceProps<T extends string> = Words &
  Omit<SelectHTMLAttributes<HTMLSelectElement>, "onChange" | "value"> & {
    value: T;
    choices: readonly Choice<T>[];
    onChoose: (value: T) => void;
  };

export function ChoiceField<T extends string>({ label, hint, fault, ...rest }: ChoiceProps<T>) {
  const id = useId();
  return (
    <Around {...{ id, label, hint, fault }}>
      <Select {...rest} {...described(id, { label, hint, fault })} id={id} className={box} />
    </Around>
  );
}

/** The browser's own select: it is known on every device and needs no style of its own. */
export function Select<T extends string>({
  value,
  choices,
  onChoose,
  ...rest
}: Omit<ChoiceProps<T>, "label" | "hint" | "fault">) {
  return (
    <select
      {...rest}
      value={value}
      onChange={(event) => {
        const choice = choices.find((one) => one.value === event.target.value);
        if (choice) onChoose(choice.value);
      }}
    >
      {choices.map((choice) => (
        <option key={choice.value} value={choice.value}>
          {choice.label}
        </option>
      ))}
    </select>
  );
}

/** One thing that may be so or not. */
export function CheckField({
  label,
  checked,
  onCheck,
}: {
  label: ReactNode;
  checked: boolean;
  onCheck: (checked: boolean) => void;
}) {
  return (
    <label className="inline-flex min-h-8 items-center gap-2">
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => onCheck(event.target.checked)}
        className="size-4 accent-accent-fill"
      />
      <span>{label}</span>
    </label>
  );
}
