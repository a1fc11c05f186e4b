import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { makeCertificate } from "./certificates.ts";
import type { TestImage } from "./images.ts";
import type { TestRegistry } from "./registry.ts";

const parametersSchema = z.strictObject({
  source: z.strictObject({
    resourceId: z.string().optional(),
    registryUri: z.string().optional(),
    credentials: z.strictObject({ username: z.string().optional(), password: z.string() }).optional(),
    sourceImage: z.string(),
  }),
  targetTags: z.array(z.string()),
  untaggedTargetRepositories: z.array(z.string()),
  mode: z.enum(["NoForce", "Force"]),
});
/** Body of an `importImage` as ACR was sent it. */
export type SentImport = z.infer<typeof parametersSchema>;

export interface ArmRegistry {
  readonly name: string;
  readonly loginServer: string;
}

export interface ArmRefused {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export interface ArmEmulatorOptions {
  readonly registries: readonly ArmRegistry[];
  /** Where imports go. */
  readonly target: TestRegistry;
  /** What there is to import, whatever an import names. */
  readonly image: TestImage;
}

/** Azure's resource manager as far as registries need it, over TLS, and ACR's import behind it. */
export interface ArmEmulator extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** For a service in a process of its own: its endpoint, trust in its certificate, and an `az` that is signed in. */
  readonly settings: Readonly<Record<string, string>>;
  readonly imports: readonly SentImport[];
  /** `GET path`, without queries. */
  readonly requests: readonly string[];
  /** Refuses the requests whose method and path match, until it is called with undefined. */
  readonly refuse: (match: RegExp, refused: ArmRefused | undefined) => void;
  /** Operations stay unfinished until `finish`; `fail`: they end with that. */
  readonly hold: () => { readonly finish: () => void; readonly fail: (refused: ArmRefused) => void };
  /** The next import is begun, and its answer never comes. Resolves once it is begun. */
  readonly swallowAnswer: () => Promise<void>;
}

const armPlace = { subscription: "22222222-3333-4444-5555-666666666666", group: "registries" } as const;

/** The id of a registry that an emulator has. */
export function armIdOf(name: string): string {
  const { subscription, group } = armPlace;
  return `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.ContainerRegistry/registries/${name}`;
}

const token = "token-of-the-app";

export async function startArm({ registries, target, image }: ArmEmulatorOptions): Promise<ArmEmulator> {
  const { key, cert } = makeCertificate("arm.test");
  const directory = mkdtempSync(join(tmpdir(), "arm-"));
  writeFileSync(join(directory, "arm.pem"), cert);
  const signedIn = JSON.stringify({ accessToken: token, expires_on: 4_102_444_800, tokenType: "Bearer" });
  writeFileSync(join(directory, "az"), `#!/bin/sh\necho '${signedIn}'\n`, { mode: 0o755 });

  const imports: SentImport[] = [];
  const requests: string[] = [];
  const refusals = new Map<string, readonly [RegExp, ArmRefused]>();
  const operations = new Map<string, Operation>();
  let gate: Gate = { kind: "open" };
  let swallow: (() => void) | undefined;

  const importImage = async (sent: SentImport): Promise<Answer> => {
    imports.push(sent);
    const taken = sent.targetTags.find((place) => {
      const [repository = "", tag = ""] = place.split(":");
      return target.tags(repository)[tag] !== undefined;
    });
    if (taken !== undefined && sent.mode === "NoForce")
      return failure({ status: 409, code: "Conflict", message: `Tag ${taken} already exists in target registry.` });
    const id = randomUUID();
    operations.set(id, { sent, isDone: false });
    return { status: 202, headers: { location: urlOf(id), "retry-after": "1" }, body: {} };
  };

  const readOperation = async (id: string): Promise<Answer> => {
    const operation = operations.get(id);
    if (operation === undefined) return failure({ status: 404, code: "NotFound", message: "no such operation" });
    if (gate.kind === "failing") return failure(gate.refused);
    const states = Object.fromEntries(
      operation.sent.targetTags.map((place) => [`${place.split(":")[0]}@${image.root.digest}`, "Pending"]),
    );
    if (gate.kind === "held")
      return {
        status: 202,
        headers: { location: urlOf(id), "retry-after": "1" },
        body: { ...states, status: "Accepted" },
      };
    await carryOut(operation);
    return { status: 200, headers: {}, body: undefined };
  };

  const carryOut = async (operation: Operation): Promise<void> => {
    if (operation.isDone) return;
    operation.isDone = true;
    for (const place of operation.sent.targetTags) {
      const [repository = "", tag = ""] = place.split(":");
      await target.seedImage(repository, tag, image);
    }
    for (const repository of operation.sent.untaggedTargetRepositories)
      await target.seedImage(repository, undefined, image);
  };

  const handle = async (method: string, url: URL, body: string): Promise<Answer | undefined> => {
    const called = `${method} ${url.pathname}`;
    requests.push(called);
    const refused = [...refusals.values()].find(([match]) => match.test(called))?.[1];
    if (refused !== undefined) return failure(refused);
    if (url.pathname === "/subscriptions")
      return { status: 200, headers: {}, body: { value: [{ subscriptionId: armPlace.subscription }] } };
    const [, operation] = /\/operationResults\/registries-(.+)$/.exec(url.pathname) ?? [];
    if (operation !== undefined) {
      const isSigned = url.searchParams.get("s") === "signature";
      return isSigned
        ? await readOperation(operation)
        : failure({ status: 403, code: "Forbidden", message: "unsigned" });
    }
    if (url.pathname.endsWith("/providers/Microsoft.ContainerRegistry/registries"))
      return { status: 200, headers: {}, body: { value: registries.map(resourceOf) } };
    const [, name, isImport] = /\/registries\/([^/]+)(\/importImage)?$/.exec(url.pathname) ?? [];
    const registry = registries.find((one) => one.name === name);
    if (registry === undefined) return failure({ status: 404, code: "ResourceNotFound", message: `no ${name}` });
    if (isImport === undefined) return { status: 200, headers: {}, body: resourceOf(registry) };
    const answer = await importImage(parametersSchema.parse(JSON.parse(body)));
    if (swallow === undefined) return answer;
    swallow();
    swallow = undefined;
    return undefined;
  };

  const server = createServer({ key, cert }, (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("error", () => undefined).on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", async () => {
      const url = new URL(incoming.url ?? "/", `https://${host}`);
      const isSignedIn = incoming.headers.authorization === `Bearer ${token}`;
      const answer = isSignedIn
        ? await handle(incoming.method ?? "", url, Buffer.concat(chunks).toString())
        : failure({ status: 401, code: "AuthenticationFailed", message: "no token" });
      if (answer === undefined) return;
      outgoing.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
      outgoing.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  const host = `127.0.0.1:${address.port}`;
  const urlOf = (id: string) =>
    `https://${host}/subscriptions/${armPlace.subscription}/providers/Microsoft.ContainerRegistry/locations/WESTEUROPE/operationResults/registries-${id}?api-version=2025-11-01&s=signature`;

  return {
    host,
    settings: {
      ARM_ENDPOINT: `https://${host}`,
      NODE_EXTRA_CA_CERTS: join(directory, "arm.pem"),
      PATH: `${directory}:${process.env.PATH}`,
    },
    imports,
    requests,
    refuse: (match, refused) => {
      if (refused === undefined) refusals.delete(match.source);
      else refusals.set(match.source, [match, refused]);
    },
    hold: () => {
      gate = { kind: "held" };
      return {
        finish: () => {
          gate = { kind: "open" };
        },
        fail: (refused) => {
          gate = { kind: "failing", refused };
        },
      };
    },
    swallowAnswer: () =>
      new Promise((resolve) => {
        swallow = resolve;
      }),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        rmSync(directory, { recursive: true, force: true });
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Operation {
  readonly sent: SentImport;
  isDone: boolean;
}

type Gate = { readonly kind: "open" | "held" } | { readonly kind: "failing"; readonly refused: ArmRefused };

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

function failure({ status, code, message }: ArmRefused): Answer {
  return { status, headers: {}, body: { error: { code, message } } };
}

function resourceOf({ name, loginServer }: ArmRegistry) {
  return {
    ...{ id: armIdOf(name), name, type: "Microsoft.ContainerRegistry/registries", location: "westeurope" },
    ...{ sku: { name: "Premium", tier: "Premium" }, properties: { loginServer } },
  };
}
