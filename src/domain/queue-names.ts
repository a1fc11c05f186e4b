/** Names of the queues; `formatQueueName` puts the prefix before them. */
export const queueNames = {
  imports: "imports",
  poison: "imports-poison",
  unread: "imports-poison-poison",
  events: "events",
  eventsPoison: "events-poison",
} as const;

/** The queue `name` as the account knows it: the prefix in lower case and a hyphen come first. */
export function formatQueueName(namePrefix: string, name: string): string {
  return namePrefix === "" ? name : `${namePrefix.toLowerCase()}-${name}`;
}
