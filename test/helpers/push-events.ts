/** What was pushed, as a sender of events would say it. */
export interface PushedImage {
  readonly host: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest: string;
  readonly at?: string;
}

const resource =
  "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/dev";
const type = "Microsoft.ContainerRegistry.ImagePushed";

/** `data` of Azure Container Registry's push events, and the whole body of its webhooks. */
export function acrPush({ host, repository, tag, digest, at = "2026-03-01T12:00:00.4681009Z" }: PushedImage) {
  return {
    id: "c25fdb80-ebbd-4dd0-a29c-a7349e6388f6",
    timestamp: at,
    action: "push",
    location: "westus",
    target: {
      mediaType: "application/vnd.docker.distribution.manifest.v2+json",
      size: 1153,
      digest,
      length: 1153,
      repository,
      ...(tag === undefined ? {} : { tag }),
    },
    request: { id: "9f8fa9d4", host, method: "PUT", useragent: "docker/20.10.7" },
    connectedRegistry: { name: "edge1" },
  };
}

/** In Event Grid's own schema. */
export function eventGridEvent(pushed: PushedImage) {
  return {
    id: "c25fdb80-ebbd-4dd0-a29c-a7349e6388f6",
    topic: resource,
    subject: subjectOf(pushed),
    eventType: type,
    eventTime: "2026-03-01T12:00:00.6609948Z",
    dataVersion: "2.0",
    metadataVersion: "1",
    data: acrPush(pushed),
  };
}

/** As CloudEvents 1.0. */
export function cloudEvent(pushed: PushedImage) {
  return {
    specversion: "1.0",
    id: "another-id",
    source: resource,
    subject: subjectOf(pushed),
    type,
    time: "2026-03-01T12:00:00.6609948Z",
    data: acrPush(pushed),
  };
}

function subjectOf({ repository, tag, digest }: PushedImage): string {
  return tag === undefined ? `${repository}@${digest}` : `${repository}:${tag}`;
}
