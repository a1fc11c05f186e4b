import type { Credentials } from "../credentials-form.ts";
import { TextField } from "./text-field.tsx";

export interface CredentialFieldsProps {
  readonly credentials: Credentials;
  /** A retry takes no secret of the key vault, and nothing without a password. */
  readonly of: "import" | "retry";
  /** The field that the service does not like, and why. */
  readonly faulty: string | undefined;
  readonly fault: string | undefined;
  readonly onChange: (credentials: Credentials) => void;
}

interface FieldLook {
  readonly name: keyof Credentials;
  readonly label: string;
  readonly help: string;
}

const username: FieldLook = {
  ...{ name: "username", label: "User name" },
  help: "Empty: the password is an Entra access token at an ACR, an identity token elsewhere.",
};
const password: FieldLook = {
  ...{ name: "password", label: "Password or token" },
  help: "Sealed, and deleted when the import ends.",
};
const secret: FieldLook = {
  ...{ name: "secret", label: "Secret in the key vault" },
  help: "Name of one that the service lets imports use, in place of the password.",
};
const looks = { import: [username, password, secret], retry: [username, password] } as const;

/** How to sign in at the source; a password is kept nowhere but in the form. */
export function CredentialFields({ credentials, of, faulty, fault, onChange }: CredentialFieldsProps) {
  return (
    <fieldset>
      <legend>Credentials for the source</legend>
      {looks[of].map((look) => (
        <TextField
          key={look.name}
          {...{ ...look, lines: "one", value: credentials[look.name] }}
          isSecret={look.name === "password"}
          isRequired={of === "retry" && look.name === "password"}
          fault={faulty === look.name ? fault : undefined}
          onChange={(value) => onChange({ ...credentials, [look.name]: value })}
        />
      ))}
    </fieldset>
  );
}
