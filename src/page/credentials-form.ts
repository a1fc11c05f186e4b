/** Credentials for a source as they are filled in. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** Name of a secret in the key vault, in place of the password. */
  readonly secret: string;
}

export const noCredentials: Credentials = { username: "", password: "", secret: "" };

/** The credentials of a request; what was left empty is left out. Undefined: there are none. */
export function writeCredentials(form: Credentials): Partial<Credentials> | undefined {
  const { password } = form;
  const [username, secret] = [form.username.trim(), form.secret.trim()];
  if (username === "" && password === "" && secret === "") return undefined;
  return {
    ...(username !== "" && { username }),
    ...(password !== "" && { password }),
    ...(secret !== "" && { secret }),
  };
}

const start = "source.credentials";

/** The field that a property of the request stands in; undefined: it is none of the credentials'. */
export function credentialFieldOf(property: string | undefined): keyof Credentials | undefined {
  if (property === `${start}.username`) return "username";
  if (property === `${start}.secret`) return "secret";
  return property === start || property?.startsWith(`${start}.`) ? "password" : undefined;
}
