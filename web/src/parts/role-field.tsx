import type { Role } from "../api/types";
import { ChoiceField } from "../ui/field";
import { roleMeaning, rolesUpTo, roleWord } from "../words/state";
import { faultOf } from "./trouble";

interface Props {
  value: Role;
  onChoose: (role: Role) => void;
  /** The highest that may be given. */
  most: Role;
  hint: string;
  error: Error | null;
}

/** What somebody, or a token, may do; each role with what it means. */
export function RoleField({ value, onChoose, most, hint, error }: Props) {
  const choices = rolesUpTo(most).map((role) => ({
    value: role,
    label: `${roleWord[role]}: ${roleMeaning[role]}`,
  }));
  return (
    <ChoiceField
      label="May"
      value={value}
      choices={choices}
      onChoose={onChoose}
      hint={hint}
      fault={faultOf(error, "role")}
    />
  );
}
