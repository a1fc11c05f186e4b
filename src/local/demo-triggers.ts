import { setTimeout as delay } from "node:timers/promises";
import { request } from "undici";
import { mediaTypes } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import { pushSmallImage, readTagDigest } from "./demo-image.ts";

/** What the demo has when it comes to imports that nobody asks for one by one. */
export interface DemoScene {
  readonly source: DemoRegistry;
  readonly target: DemoRegistry;
  readonly serviceUrl: string;
  /** Runs the client with its output shown. */
  readonly show: (args: readonly string[]) => Promise<void>;
}

interface DemoRegistry {
  readonly host: string;
  readonly url: string;
}

type Say = (line: string) => void;

/** A rule, then an image that is pushed, then the event that a registry sends: the target has the image. */
export async function showPushEvent({ source, target, serviceUrl, show }: DemoScene, say: Say, signal: AbortSignal) {
  const place = { repository: "team/web", tag: "2.1" };
  await show([
    ...["rules", "set", "--name", "mirror-team", "--from", source.host, "--repository", "team/*"],
    ...["--to", target.host, "--target-repository", "mirror/{repository}"],
  ]);
  const digest = await pushSmallImage({ registryUrl: source.url, ...place }, signal);
  say(`pushed           ${source.host}/team/web:2.1`);
  await sendEvent(serviceUrl, pushEvent(source.host, { ...place, digest }), signal);
  say("event            Microsoft.ContainerRegistry.ImagePushed, as Event Grid delivers it");
  const imported = { registryUrl: target.url, repository: "mirror/team/web", tag: place.tag };
  while ((await readTagDigest(imported, signal)) !== digest) await delay(50, undefined, { signal });
  say(`imported         ${target.host}/mirror/team/web:2.1`);
}

const promotedImages = 50;

/** Fifty images that go from one registry to the other as one promotion. */
export async function showPromotion({ source, target, show }: DemoScene, say: Say, signal: AbortSignal) {
  for (let at = 1; at <= promotedImages; at += 1) {
    const [repository, tag] = [`release/service-${(at % 5) + 1}`, `1.${at}.0`];
    await pushSmallImage({ registryUrl: source.url, repository, tag }, signal);
  }
  say(`pushed           ${promotedImages} images to ${source.host}/release/…`);
  await show([
    ...["promote", "--from", source.host, "--repository", "release/*", "--semver", ">=1.0"],
    ...["--to", target.host, "--target-repository", "prod/{basename}"],
  ]);
}

async function sendEvent(serviceUrl: string, event: object, signal: AbortSignal): Promise<void> {
  const { statusCode, body } = await request(`${serviceUrl}/runtime/webhooks/eventgrid?functionName=onRegistryEvent`, {
    method: "POST",
    headers: { "content-type": "application/json", "aeg-event-type": "Notification" },
    body: JSON.stringify([event]),
    signal,
  });
  const text = await body.text();
  if (statusCode > 299) throw new Error(`the event was answered with ${statusCode}: ${text.slice(0, 300)}`);
}

/** The event of an Azure container registry for a push (Event Grid schema, data version 2.0). */
function pushEvent(host: string, { repository, tag, digest }: { repository: string; tag: string; digest: Digest }) {
  const now = new Date().toISOString();
  return {
    id: crypto.randomUUID(),
    topic: "/subscriptions/demo/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/demo",
    subject: `${repository}:${tag}`,
    eventType: "Microsoft.ContainerRegistry.ImagePushed",
    eventTime: now,
    dataVersion: "2.0",
    metadataVersion: "1",
    data: {
      id: crypto.randomUUID(),
      timestamp: now,
      action: "push",
      target: { mediaType: mediaTypes.ociManifest, digest, repository, tag },
      request: { id: crypto.randomUUID(), host, method: "PUT", useragent: "demo" },
    },
  };
}
