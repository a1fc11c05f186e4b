import { z } from "zod";
import { type HostPattern, isWildcard } from "./host-pattern.ts";
import type { SecretSource, SignIn } from "./sign-in.ts";

/** `auth` of an entry of REGISTRIES. What a kind needs and takes is said by {@link authProblems}. */
export const authSchema = z.strictObject({
  kind: z.enum(["anonymous", "password", "entra", "ecr", "google"]),
  username: z.string().min(1).optional(),
  password: z.string().min(1).optional(),
  /** Name of a secret in the key vault, in place of `password`. */
  secret: z
    .string()
    .regex(/^[0-9A-Za-z-]{1,127}$/, "expected the name of a secret in a key vault: letters, digits and -")
    .optional(),
  clientId: z.string().min(1).optional(),
  tenantId: z.string().min(1).optional(),
});
export type AuthEntry = Readonly<z.infer<typeof authSchema>>;

/** The properties that a kind may have. */
const properties: Readonly<Record<AuthEntry["kind"], readonly (keyof AuthEntry)[]>> = {
  anonymous: [],
  password: ["username", "password", "secret"],
  entra: ["clientId", "tenantId", "password", "secret"],
  ecr: ["username", "password", "secret"],
  google: ["password", "secret"],
};

/** Everything that is wrong with how an entry signs in at its host. */
export function authProblems(host: HostPattern, auth: AuthEntry): readonly string[] {
  const { kind, username, password, secret, clientId, tenantId } = auth;
  const taken = properties[kind];
  const hasSecret = (password ?? secret) !== undefined;
  const foreign = authKeys.filter((key) => auth[key] !== undefined && !taken.includes(key));
  const problems: readonly (string | false)[] = [
    ...foreign.map((key) => `auth kind ${kind} takes no ${key}`),
    password !== undefined && secret !== undefined && "auth password excludes secret: give one of the two",
    kind === "password" && username === undefined && "auth username is missing",
    kind === "password" && !hasSecret && "auth password is missing",
    kind === "entra" && hasSecret && (tenantId === undefined || clientId === undefined) && servicePrincipal,
    kind === "entra" && tenantId !== undefined && !hasSecret && servicePrincipal,
    kind === "ecr" &&
      (username !== undefined) !== hasSecret &&
      "auth kind ecr takes username and secret together, or none",
    ...hostProblems(host, kind),
  ];
  return problems.filter((problem) => problem !== false);
}

const authKeys = ["username", "password", "secret", "clientId", "tenantId"] as const;
const servicePrincipal = "auth of a service principal is tenantId, clientId and password or secret";

/** Tokens of a cloud go to the registries of that cloud only; an exact host with entra is the operator's own word. */
function hostProblems(host: HostPattern, kind: AuthEntry["kind"]): readonly string[] {
  if (kind === "entra" && isWildcard(host) && !azureHost.test(host))
    return ["auth kind entra needs an exact host, or one below azurecr.io"];
  if (kind === "ecr" && host === "public.ecr.aws")
    return ["auth kind ecr is for private registries: public.ecr.aws is read with kind anonymous"];
  if (kind === "ecr" && !ecrHost.test(host))
    return ["auth kind ecr needs a host such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com"];
  if (kind === "google" && !googleHost.test(host)) return ["auth kind google needs a host below pkg.dev or gcr.io"];
  return [];
}

const azureHost = /\.azurecr\.(io|cn|us)$/;
const ecrHost =
  /(^|\.)(dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.)?(amazonaws\.com(\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)$/;
const googleHost = /(^|\.)(pkg\.dev|gcr\.io)$/;

/** Whether a host is an Azure Container Registry by its name. */
export function isAzureRegistry(host: string): boolean {
  return azureHost.test(host);
}

/** How an entry without problems signs in. */
export function toSignIn(auth: AuthEntry): SignIn {
  const { kind, username, clientId, tenantId } = auth;
  const secret = secretOf(auth);
  switch (kind) {
    case "anonymous":
      return { kind };
    case "password":
      if (secret === undefined || username === undefined) return { kind: "anonymous" };
      if ("secret" in secret) return { kind: "vault", username, secret: secret.secret };
      return { kind, username, password: secret.value };
    case "entra":
      if (tenantId === undefined || clientId === undefined || secret === undefined)
        return { kind, identity: { kind: "app", clientId } };
      return { kind, identity: { kind: "servicePrincipal", tenantId, clientId, secret } };
    case "ecr":
      return {
        kind,
        keys: username === undefined || secret === undefined ? undefined : { accessKeyId: username, secret },
      };
    case "google":
      return { kind, key: secret };
  }
}

function secretOf({ password, secret }: AuthEntry): SecretSource | undefined {
  if (password !== undefined) return { value: password };
  return secret === undefined ? undefined : { secret };
}
