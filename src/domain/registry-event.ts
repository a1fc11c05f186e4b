import { z } from "zod";
import { type Digest, parseDigest } from "../digest.ts";
import { definedOnly } from "../errors.ts";
import { parseJson } from "../json.ts";
import { parseRegistry, type RegistryNames } from "./import-target.ts";
import { normaliseHost, repositorySchema, tagSchema, toReference } from "./reference.ts";

/** Something was pushed to a registry, whoever told of it. */
export interface PushEvent {
  /** As rules name it: the login server, never a host of one region. */
  readonly registry: string;
  readonly repository: string;
  /** Undefined: pushed by digest. */
  readonly tag?: string;
  /** Undefined where the teller does not know it (Docker Hub); then there is a tag. */
  readonly digest?: Digest;
  readonly mediaType?: string;
  readonly occurredAt: Date;
  readonly eventId: string;
}

/** What an event says. `ignored`: nothing that could start an import, and why. */
export type RegistryEvent =
  | { readonly kind: "push"; readonly event: PushEvent }
  | { readonly kind: "ignored"; readonly reason: string };

/** What events need of the settings: Azure's envelopes name a registry without its host. */
export type EventNames = Pick<RegistryNames, "registries" | "registrySuffix">;

const text = z.string().max(2_000);
const optionalText = text.nullish();

/**
 * A notification of distribution, as the body of ACR's webhooks and `data` of its Event Grid events have it, too: what
 * other senders add is left alone.
 */
export const notificationSchema = z.looseObject({
  id: optionalText,
  timestamp: optionalText,
  action: optionalText,
  target: z.looseObject({ mediaType: optionalText, digest: optionalText, repository: optionalText, tag: optionalText }),
  request: z.looseObject({ host: optionalText }).nullish(),
});

/** Event Grid's own schema has `eventType`, `eventTime`, `topic`; CloudEvents 1.0 `type`, `time`, `source`. */
const envelopeSchema = z.looseObject({
  id: optionalText,
  eventType: optionalText,
  type: optionalText,
  eventTime: optionalText,
  time: optionalText,
  topic: optionalText,
  source: optionalText,
  data: z.unknown(),
});

/** Old events leave the prefix away. */
const pushTypes = /^(?:Microsoft\.ContainerRegistry\.)?(?:ImagePushed|ChartPushed)$/;
const pushActions: readonly string[] = ["push", "chart_push"];

/** Reads an event of Azure Container Registry as Event Grid delivers it, in either schema. */
export function readRegistryEvent(body: unknown, names: EventNames): RegistryEvent {
  const envelope = envelopeSchema.safeParse(body);
  if (!envelope.success) return ignored("it is no event of Event Grid");
  const { id, eventType, type, eventTime, time, topic, source, data } = envelope.data;
  const kind = eventType ?? type ?? "";
  if (!pushTypes.test(kind)) return ignored(`events of type ${shown(kind)} start nothing`);
  const parsed = notificationSchema.safeParse(typeof data === "string" ? parseJson(data) : data);
  if (!parsed.success) return ignored("its data is not that of a push");
  const { target, request, timestamp } = parsed.data;
  return readPush({
    ...target,
    registry: request?.host ? registryOf(request.host) : registryOfResource(topic ?? source ?? "", names),
    time: timestamp ?? eventTime ?? time,
    id: id ?? parsed.data.id,
  });
}

/** Reads the body of an ACR webhook. */
export function readAcrHook(body: unknown): RegistryEvent {
  const parsed = notificationSchema.safeParse(body);
  if (!parsed.success) return ignored("it is not the body of an ACR webhook");
  const { id, timestamp, action, target, request } = parsed.data;
  if (!pushActions.includes(action ?? "")) return ignored(`action ${shown(action)} starts nothing`);
  return readPush({ ...target, registry: registryOf(request?.host ?? ""), time: timestamp, id });
}

/** What a sender says of a push, before anything of it is believed. */
export interface ToldPush {
  readonly registry: string | undefined;
  readonly repository?: string | null | undefined;
  readonly tag?: string | null | undefined;
  readonly digest?: string | null | undefined;
  readonly mediaType?: string | null | undefined;
  /** Any form that Date understands. */
  readonly time: string | number | null | undefined;
  readonly id: string | null | undefined;
}

const earliest = Date.UTC(2013, 0); // before there were registries
const latest = Date.UTC(2200, 0);

/** Checks what was told of a push, and brings it into one form. */
export function readPush(told: ToldPush): RegistryEvent {
  const { registry } = told;
  const digest = told.digest ? parseDigest(told.digest) : undefined;
  // Harbor repeats the digest where there is no tag.
  const tag = !told.tag || parseDigest(told.tag) !== undefined ? undefined : told.tag;
  const occurredAt = new Date(told.time ?? Number.NaN);
  const time = occurredAt.getTime();
  if (registry === undefined) return ignored("it names no registry");
  if (!repositorySchema.safeParse(told.repository).success) return ignored("it names no repository");
  if (told.digest && digest === undefined) return ignored("its digest is none");
  if (tag !== undefined && !tagSchema.safeParse(tag).success) return ignored("its tag is none");
  if (digest === undefined && tag === undefined) return ignored("it has neither tag nor digest");
  if (Number.isNaN(time) || time < earliest || time > latest) return ignored("it does not say when it happened");
  const { repository } = toReference(registry, { repository: told.repository ?? "" }); // docker.io/nginx: library/nginx
  const mediaType = told.mediaType || undefined;
  return {
    kind: "push",
    event: { registry, repository, ...definedOnly({ tag, digest, mediaType }), occurredAt, eventId: told.id ?? "" },
  };
}

/**
 * The registry that a host stands for: ACR's hosts of one region and its data endpoints lead to the login server.
 * Undefined: it is no host.
 */
export function registryOf(host: string): string | undefined {
  const known = normaliseHost(host);
  const [, name, suffix] = /^([a-z0-9-]+)\.[a-z0-9-]+\.(?:geo|data)\.(azurecr\.[a-z.]+)$/.exec(known ?? "") ?? [];
  if (name !== undefined && suffix !== undefined) return `${name}.${suffix}`;
  return known === undefined ? undefined : toReference(known, { repository: "any" }).registry;
}

export function ignored(reason: string): RegistryEvent {
  return { kind: "ignored", reason };
}

/** A word of a sender, fit for one line. */
export function shown(word: string | null | undefined): string {
  return JSON.stringify((word ?? "").slice(0, 100));
}

/** For charts of `az acr helm push`, whose events have no request: by the resource's name. */
function registryOfResource(resource: string, names: EventNames): string | undefined {
  const [, name] = /\/registries\/([A-Za-z0-9]{5,50})(?:\/|$)/i.exec(resource) ?? [];
  return name && parseRegistry(name, "topic", { ...names, defaultTarget: undefined });
}
