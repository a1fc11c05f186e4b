import { createHash } from "node:crypto";
import { z } from "zod";
import { acceptedManifestTypes } from "../descriptor.ts";
import { unreachable } from "../errors.ts";
import type { HookKind } from "./hook-kinds.ts";
import {
  ignored,
  notificationSchema,
  type RegistryEvent,
  readAcrHook,
  readPush,
  registryOf,
  shown,
} from "./registry-event.ts";

/**
 * The pushes that a webhook tells of. `registry`: the host that the sender goes by here, where its own word for itself
 * is another one (behind a proxy).
 */
export function readHookBody(kind: HookKind, body: unknown, registry: string | undefined): readonly RegistryEvent[] {
  switch (kind) {
    case "acr":
      return [readAcrHook(body)];
    case "dockerhub":
      return [readDockerHub(body)];
    case "harbor":
      return readHarbor(body, registry);
    case "distribution":
      return readDistribution(body, registry);
    default:
      return unreachable(kind);
  }
}

const text = z.string().max(2_000);
const optionalText = text.nullish();
const maxEvents = 1_000;

/** https://docs.docker.com/docker-hub/repos/manage/webhooks: no digest, and no id but that of the callback. */
const dockerHubSchema = z.looseObject({
  callback_url: optionalText,
  push_data: z.looseObject({ pushed_at: z.number(), tag: text }),
  repository: z.looseObject({ repo_name: text }),
});

function readDockerHub(body: unknown): RegistryEvent {
  const parsed = dockerHubSchema.safeParse(body);
  if (!parsed.success) return ignored("it is not the body of a Docker Hub webhook");
  const { callback_url, push_data, repository } = parsed.data;
  return readPush({
    registry: "docker.io",
    repository: repository.repo_name,
    tag: push_data.tag,
    time: push_data.pushed_at * 1_000,
    // A hash: whoever has the address may answer for the receiver.
    id: createHash("sha256")
      .update(callback_url ?? "")
      .digest("hex"),
  });
}

const harborDataSchema = z.looseObject({
  resources: z
    .array(z.looseObject({ digest: optionalText, tag: optionalText, resource_url: optionalText }))
    .max(maxEvents),
  repository: z.looseObject({ repo_full_name: text }),
});
/** https://goharbor.io/docs/main/working-with-projects/project-configuration/configure-webhooks, payload "Default". */
const harborSchema = z.looseObject({ type: text, occur_at: z.number(), event_data: harborDataSchema });
/** The same page, payload "CloudEvents". */
const harborCloudEventSchema = z.looseObject({ id: optionalText, type: text, time: text, data: harborDataSchema });

const harborPushes: readonly string[] = ["PUSH_ARTIFACT", "pushImage", "harbor.artifact.pushed"]; // the second: Harbor 1.x

function readHarbor(body: unknown, registry: string | undefined): readonly RegistryEvent[] {
  const kind = z.looseObject({ type: text }).safeParse(body);
  if (!kind.success) return [ignored("it is not the body of a Harbor webhook")];
  if (!harborPushes.includes(kind.data.type)) return [ignored(`events of type ${shown(kind.data.type)} start nothing`)];
  const plain = harborSchema.safeParse(body);
  const cloud = harborCloudEventSchema.safeParse(body);
  if (!plain.success && !cloud.success) return [ignored("it is not the body of a Harbor webhook")];
  const data = plain.success ? plain.data.event_data : cloud.data?.data;
  const time = plain.success ? plain.data.occur_at * 1_000 : cloud.data?.time;
  return (data?.resources ?? []).map(({ digest, tag, resource_url }) =>
    readPush({
      registry:
        registry ??
        registryOf(
          (resource_url ?? "")
            .replace(/^https?:\/\//, "")
            .split("/", 1)
            .join(""),
        ),
      repository: data?.repository.repo_full_name,
      ...{ digest, tag, time },
      id: cloud.data?.id ?? digest,
    }),
  );
}

/** https://distribution.github.io/distribution/about/notifications: an envelope of events, blobs among them. */
const distributionSchema = z.looseObject({ events: z.array(z.unknown()).max(maxEvents) });
const distributionEventSchema = notificationSchema.extend({ timestamp: text, action: text });

function readDistribution(body: unknown, registry: string | undefined): readonly RegistryEvent[] {
  const envelope = distributionSchema.safeParse(body);
  if (!envelope.success) return [ignored("it is not an envelope of distribution's notifications")];
  return envelope.data.events.map((item) => {
    const parsed = distributionEventSchema.safeParse(item);
    if (!parsed.success) return ignored("it is not a notification of distribution");
    const { id, timestamp, action, target, request } = parsed.data;
    if (action !== "push") return ignored(`action ${shown(action)} starts nothing`);
    if (!acceptedManifestTypes.some((type) => type === target.mediaType)) return ignored("it is no manifest");
    return readPush({ ...target, registry: registry ?? registryOf(request?.host ?? ""), time: timestamp, id });
  });
}
