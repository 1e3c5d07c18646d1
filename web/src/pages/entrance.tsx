import type { ReactNode } from "react";
import { EntrancePicture } from "../parts/entrance-picture";
import { Logo } from "../parts/logo";
import { FormFault, faultOf } from "../parts/trouble";
import { Button } from "../ui/button";
import { TextField } from "../ui/field";
import { useTitle } from "../ui/title";

interface Props {
  title: string;
  children: ReactNode;
  below: ReactNode;
}

/** The frame of the pages before a session. */
export function Entrance({ title, children, below }: Props) {
  useTitle(title);
  return (
    <div className="grid min-h-dvh lg:grid-cols-[minmax(0,1fr)_minmax(0,1.1fr)]">
      <main className="flex flex-col px-6 py-8 md:px-16">
        <Logo />
        <div className="mx-auto flex w-full max-w-sm flex-1 flex-col justify-center py-12">
          <h1 className="mb-6 text-xl font-semibold tracking-tight">{title}</h1>
          {children}
          <p className="mt-6 text-soft">{below}</p>
        </div>
      </main>
      <aside
        className="hidden flex-col justify-center border-l border-line bg-surface px-16 lg:flex"
        aria-label="About"
      >
        <EntrancePicture />
      </aside>
    </div>
  );
}

interface FormProps {
  error: Error | null;
  busy: boolean;
  /** On the button, and on it while the answer is awaited. */
  action: string;
  acting: string;
  onSubmit: () => void;
  children: ReactNode;
}

export function EntranceForm({ error, busy, action, acting, onSubmit, children }: FormProps) {
  return (
    <form
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      <FormFault error={error} />
      {children}
      <Button type="submit" look="primary" className="w-full" busy={busy}>
        {busy ? acting : action}
      </Button>
    </form>
  );
}

interface FieldProps {
  value: string;
  onText: (text: string) => void;
  error: Error | null;
}

/** The address is the login, so password managers are told so. */
export function EmailField({ value, onText, error }: FieldProps) {
  return (
    <TextField
      label="E-mail"
      type="email"
      name="email"
      autoComplete="username"
      required
      value={value}
      onText={onText}
      fault={faultOf(error, "email")}
    />
  );
}

export function PasswordField({ value, onText, error, chosen }: FieldProps & { chosen?: boolean }) {
  return (
    <TextField
      label="Password"
      type="password"
      name={chosen ? "new-password" : "password"}
      autoComplete={chosen ? "new-password" : "current-password"}
      required
      minLength={chosen ? 12 : undefined}
      maxLength={chosen ? 128 : undefined}
      value={value}
      onText={onText}
      hint={chosen && "At least 12 characters; a few words in a row are good."}
      fault={faultOf(error, "password")}
    />
  );
}
