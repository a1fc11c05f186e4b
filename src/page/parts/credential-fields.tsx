import type { Credentials } from "../import-form.ts";

export interface CredentialFieldsProps {
  readonly credentials: Credentials;
  readonly isRequired: boolean;
  readonly onChange: (credentials: Credentials) => void;
}

/** User name and password of the source; kept nowhere but in the form. */
export function CredentialFields({ credentials, isRequired, onChange }: CredentialFieldsProps) {
  return (
    <fieldset>
      <legend>Credentials for the source</legend>
      <label class="field">
        <span>User name</span>
        <input
          type="text"
          data-field="credentials"
          autocomplete="off"
          required={isRequired}
          value={credentials.username}
          onInput={({ currentTarget }) => onChange({ ...credentials, username: currentTarget.value })}
        />
      </label>
      <label class="field">
        <span>Password or token</span>
        <input
          type="password"
          autocomplete="off"
          required={isRequired}
          value={credentials.password}
          onInput={({ currentTarget }) => onChange({ ...credentials, password: currentTarget.value })}
        />
      </label>
    </fieldset>
  );
}
