/** How the service signs in at a registry, as the API tells it: without what is secret. */
export interface RegistryAccount {
  readonly kind: string;
  readonly username?: string | undefined;
  readonly secret?: string | undefined;
  readonly clientId?: string | undefined;
  readonly tenantId?: string | undefined;
}

/** Who the service is at a registry, in words; requests may bring others. */
export function formatAccount({ kind, username, secret, clientId, tenantId }: RegistryAccount): string {
  if (kind === "anonymous") return "nobody";
  const who = [
    ...(username === undefined ? [] : [username]),
    ...(clientId === undefined ? [] : [clientId]),
    ...(tenantId === undefined ? [] : [`of tenant ${tenantId}`]),
    ...(secret === undefined ? [] : [`with the secret ${secret}`]),
  ];
  if (who.length > 0) return `${who.join(" ")} (${kind})`;
  return kind === "entra" ? "the app's own identity (entra)" : `what the app finds around it (${kind})`;
}
