import { z } from "zod";
import { parseJson } from "../json.ts";
import { eventTypes } from "./event-types.ts";
import { type HostPattern, matchesAny } from "./host-pattern.ts";
import { isPrivateHost } from "./private-host.ts";

const common = {
  /** Messages, dead events and logs name the sink by it. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "expected at most 64 letters, digits, '.', '_' and '-'"),
  /** Absent: all. */
  types: z.array(z.enum(eventTypes)).min(1).optional(),
};

const urlSchema = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined; // a message must not repeat it: its query may be a secret
  if (url === undefined || !/^https?:$/.test(url.protocol)) context.addIssue("expected an http or https URL");
  else if (url.username !== "" || url.password !== "") context.addIssue("must not hold user and password");
  return url?.href ?? "";
});

const queueNameSchema = z
  .string()
  .regex(/^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/, "expected a queue name: 3 to 63 lower-case letters, digits and '-'")
  .refine((name) => !/^drayage-(workitems|control-\d+)$/.test(name), "is a queue of orchestrations");

/** One entry of the setting EVENT_SINKS. */
const eventSinkSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    ...common,
    kind: z.literal("webhook"),
    url: urlSchema,
    /** Signs what is sent. */
    secret: z.string().min(16, "expected at least 16 characters").max(512).optional(),
  }),
  z.strictObject({ ...common, kind: z.literal("queue"), queue: queueNameSchema }),
  z.strictObject({
    ...common,
    kind: z.literal("eventGrid"),
    endpoint: urlSchema,
    /** Access key of the topic; absent: the app's identity. */
    key: z.string().min(1).optional(),
  }),
]);
export type EventSink = Readonly<z.infer<typeof eventSinkSchema>>;
export type WebhookSink = Extract<EventSink, { kind: "webhook" }>;
export type EventGridSink = Extract<EventSink, { kind: "eventGrid" }>;

/** What the other settings say about where a sink may be. */
export interface SinkPlaces {
  /** Queues that Drayage itself reads. */
  readonly ownQueues: readonly string[];
  readonly insecureHosts: readonly HostPattern[];
  /** Hosts that may be at private addresses. */
  readonly namedHosts: readonly string[];
}

/** Reads the setting EVENT_SINKS (JSON). Every problem is one line that names the entry and repeats no value of it. */
export function parseEventSinks(text: string): {
  readonly sinks: readonly EventSink[];
  readonly problems: readonly string[];
} {
  const items = z.array(z.unknown()).safeParse(parseJson(text));
  if (!items.success) return { sinks: [], problems: ["expected a JSON list of entries"] };
  const sinks: EventSink[] = [];
  const problems: string[] = [];
  items.data.forEach((item, at) => {
    const parsed = eventSinkSchema.safeParse(item);
    if (parsed.success) sinks.push(parsed.data);
    else for (const issue of parsed.error.issues) problems.push(`${entryName(item, at)}: ${describe(issue)}`);
  });
  const names = sinks.map(({ name }) => name);
  const repeated = new Set(names.filter((name, at) => names.indexOf(name) < at));
  problems.push(...[...repeated].map((name) => `name ${name} is given twice`));
  return { sinks, problems };
}

/** Why sinks cannot be used on account of where they are. */
export function sinkPlaceProblems(sinks: readonly EventSink[], places: SinkPlaces): readonly string[] {
  const { ownQueues, insecureHosts, namedHosts } = places;
  return sinks.flatMap((sink, at) => {
    if (sink.kind === "queue")
      return ownQueues.includes(sink.queue) ? [`${entryName(sink, at)}: Drayage itself reads queue ${sink.queue}`] : [];
    const { host, protocol } = new URL(sink.kind === "webhook" ? sink.url : sink.endpoint);
    const problems: readonly (string | false)[] = [
      protocol === "http:" && !matchesAny(insecureHosts, host) && `${host} needs https, or an entry in INSECURE_HOSTS`,
      isPrivateHost(host) &&
        !namedHosts.includes(host) &&
        `${host} is private: it needs an entry in ALLOW_PRIVATE_HOSTS`,
      protocol === "http:" && sink.kind === "eventGrid" && sink.key === undefined && "without a key, https is needed",
    ];
    return problems.filter((problem) => problem !== false).map((problem) => `${entryName(sink, at)}: ${problem}`);
  });
}

function describe({ path, message }: { readonly path: readonly PropertyKey[]; readonly message: string }): string {
  return [path.map(String).join("."), message].filter((text) => text !== "").join(" ");
}

const namedSchema = z.looseObject({ name: z.string().max(64) });

function entryName(item: unknown, at: number): string {
  const named = namedSchema.safeParse(item);
  return named.success ? `entry ${at + 1} (${named.data.name})` : `entry ${at + 1}`;
}
