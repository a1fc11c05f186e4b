import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { digestOf } from "../../src/digest.ts";
import { armIdOf, startArm } from "../helpers/arm-emulator.ts";
import { likeAcr, likeDockerHub } from "../helpers/faults-profiles.ts";
import { ignoreRanges, redirectBlobs, truncateBody } from "../helpers/faults-source.ts";
import { helmChart, image, layerBytes, type TestImage } from "../helpers/images.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import { type Service, startService } from "../helpers/service.ts";
import { runCli } from "../unit/cli/run-cli.ts";
import { expectImage } from "./world.ts";

/** The cases of docs/cases.md, by the commands that stand there, at registries that sign in as the true ones do. */

const appToken = "token-of-the-app"; // what the emulator's `az` gives
const guestToken = "entra-token-of-a-guest";
const principal = { username: "11111111-2222-3333-4444-555555555555", password: "secret-of-the-principal" };
const puller = { username: "puller", password: "password-of-the-puller" };
const pusher = { username: "drayage", password: "password-of-drayage" };
const usersOf = (...users: readonly { readonly username: string; readonly password: string }[]) =>
  Object.fromEntries(users.map(({ username, password }) => [username, password]));

const cleanup = new AsyncDisposableStack();
let hub: TestRegistry;
let mcr: TestRegistry;
let acr: TestRegistry;
let elsewhere: TestRegistry;
let partner: TestRegistry;
let harbor: TestRegistry;
let old: TestRegistry;
let target: TestRegistry;
let service: Service;

beforeAll(async () => {
  const start: typeof startRegistry = async (options) => cleanup.use(await startRegistry(options));
  const entra = (token: string, user: string) => (given: string) => (given === token ? user : undefined);
  const mayPull = (user: string | undefined, name: string) => user !== undefined || name.startsWith("library/");
  hub = await start({
    auth: { kind: "bearer", users: usersOf(puller), anonymous: "pull", mayAccess: mayPull },
    faults: likeDockerHub({ pulls: 100 }),
  });
  mcr = await start();
  acr = await start({
    auth: { kind: "bearer", users: usersOf(principal), entra: entra(appToken, "the app") },
    faults: [...likeAcr(), redirectBlobs()],
  });
  elsewhere = await start({
    auth: { kind: "bearer", users: {}, entra: entra(appToken, "the app") },
    faults: likeAcr(),
  });
  partner = await start({
    auth: { kind: "bearer", users: usersOf(puller), entra: entra(guestToken, "a guest") },
    faults: likeAcr(),
  });
  harbor = await start({ auth: { kind: "basic", users: usersOf(puller) } });
  old = await start({ faults: [truncateBody({ times: 1, afterBytes: 300_000 }), ignoreRanges()] });
  target = await start({ auth: { kind: "bearer", users: usersOf(pusher) } });
  const registries = [
    { name: "src", loginServer: acr.host },
    { name: "elsewhere", loginServer: elsewhere.host },
  ];
  const arm = cleanup.use(await startArm({ registries, target, image: app }));
  const all = [hub, mcr, acr, elsewhere, partner, harbor, old, target];
  const local = all.flatMap(({ host, tokenHost, storageHost }) => [host, tokenHost, storageHost]);
  const anonymous = { kind: "anonymous" };
  const directory = await mkdtemp(join(tmpdir(), "seed-cases-"));
  cleanup.defer(() => rm(directory, { recursive: true, force: true }));
  service = await startService({
    directory,
    settings: {
      ...arm.settings,
      INSECURE_HOSTS: [...new Set(local)].join(","),
      ALLOW_PRIVATE_HOSTS: [...new Set([...local, arm.host])].join(","),
      DEFAULT_TARGET: target.host,
      REGISTRIES: JSON.stringify([
        { host: target.host, auth: { kind: "password", ...pusher } },
        { host: hub.host, auth: anonymous, profile: "dockerhub" },
        { host: acr.host, alias: "src", resourceId: armIdOf("src"), auth: { kind: "entra" }, profile: "acr" },
        { host: elsewhere.host, auth: { kind: "entra" }, profile: "acr" },
        { host: partner.host, auth: anonymous, profile: "acr" },
      ]),
    },
  });
  cleanup.use(service);
});
afterAll(() => cleanup.disposeAsync());

const app = image({ layers: [4_000, 300], seed: "seed case" });
const windowsLayerBytes = 20_000;
const windows = image({
  format: "docker",
  platform: { os: "windows", architecture: "amd64", "os.version": "10.0.20348.2461" },
  foreignLayers: [{ sizeBytes: windowsLayerBytes, urls: ["https://mcr.example/windows-layer"] }],
  seed: "nanoserver",
});
const windowsLayer = layerBytes(windowsLayerBytes, "nanoserver foreign 0");
const chart = helmChart({ name: "web" });
const large = image({ layers: [1_000_000], seed: "large" });
const { digest } = app.root;

interface SeedCase {
  /** As docs/cases.md names it. */
  readonly name: string;
  /** Made when the registries are there. */
  readonly open: () => {
    readonly source: TestRegistry;
    readonly repository: string;
    readonly image?: TestImage;
    readonly tag?: string;
    readonly args: readonly string[];
    readonly stdin?: string;
    /** Who the source gave tokens to; undefined: one who did not sign in. Default: it gave none. */
    readonly users?: readonly (string | undefined)[];
    readonly expectBesides?: () => Promise<void>;
  };
}

const cases: readonly SeedCase[] = [
  {
    name: "Docker Hub, anonymous",
    open: () => ({
      ...{ source: hub, repository: "library/alpine", users: [undefined] },
      args: ["--source", `${hub.host}/library/alpine:1`],
      expectBesides: async () => {
        const pulls = { kind: "manifest-get", repository: "library/alpine" } as const;
        expect(hub.countRequests(pulls)).toBe(1); // what Docker Hub counts
      },
    }),
  },
  {
    name: "Docker Hub, signed in",
    open: () => ({
      ...{ source: hub, repository: "contoso/private", users: [puller.username] },
      args: ["--source", `${hub.host}/contoso/private:1`, "--username", puller.username, "--password-stdin"],
      stdin: puller.password,
    }),
  },
  {
    name: "MCR, with Windows layers",
    open: () => ({
      ...{ source: mcr, repository: "windows/nanoserver", image: windows },
      args: ["--source", `${mcr.host}/windows/nanoserver:1`],
      expectBesides: async () => {
        expect(await target.holdsBlob(digestOf(windowsLayer), "windows/nanoserver")).toBe(true);
      },
    }),
  },
  {
    name: "ACR by login server",
    open: () => ({
      ...{ source: acr, repository: "team/app", users: ["the app"] },
      args: ["--source", `${acr.host}/team/app:1`],
    }),
  },
  {
    name: "ACR by resource ID, with a private endpoint",
    open: () => ({
      ...{ source: acr, repository: "team/private", users: ["the app"] },
      args: ["--registry", armIdOf("src"), "--source", "team/private:1"],
    }),
  },
  {
    name: "ACR of another subscription",
    open: () => ({
      ...{ source: elsewhere, repository: "team/far", users: ["the app"] },
      args: ["--registry", armIdOf("elsewhere"), "--source", "team/far:1"],
    }),
  },
  {
    name: "ACR by a service principal",
    open: () => ({
      ...{ source: acr, repository: "team/principal", users: [principal.username] },
      args: ["--source", `${acr.host}/team/principal:1`, "--username", principal.username, "--password-stdin"],
      stdin: principal.password,
    }),
  },
  {
    name: "ACR of another tenant, by user and password",
    open: () => ({
      ...{ source: partner, repository: "team/shared", users: [puller.username] },
      args: ["--source", `${partner.host}/team/shared:1`, "--username", puller.username, "--password-stdin"],
      stdin: puller.password,
    }),
  },
  {
    name: "ACR of another tenant, by an access token without user name",
    open: () => ({
      ...{ source: partner, repository: "team/guest", users: ["a guest"] },
      args: ["--source", `${partner.host}/team/guest:1`, "--password-stdin"],
      stdin: guestToken,
    }),
  },
  {
    name: "Private registry outside Azure",
    open: () => ({
      ...{ source: harbor, repository: "project/app" },
      args: ["--source", `${harbor.host}/project/app:1`, "--username", puller.username, "--password-stdin"],
      stdin: puller.password,
    }),
  },
  {
    name: "Digest without a tag",
    open: () => ({
      ...{ source: mcr, repository: "dotnet/runtime", tag: "" },
      args: ["--source", `${mcr.host}/dotnet/runtime@${digest}`],
    }),
  },
  {
    name: "Helm chart",
    open: () => ({
      ...{ source: acr, repository: "helm/web", image: chart, users: ["the app"] },
      args: ["--registry", "src", "--source", "helm/web:1"],
    }),
  },
  {
    name: "Registry that ignores ranges",
    open: () => ({
      ...{ source: old, repository: "legacy/app", image: large },
      args: ["--source", `${old.host}/legacy/app:1`],
      expectBesides: async () => {
        const isRange = ({ headers }: { readonly headers: Readonly<Record<string, string>> }) => "range" in headers;
        expect(old.requests.filter(isRange)).toMatchObject([{ kind: "blob-get", status: 200 }]);
      },
    }),
  },
];

it.each(cases)("imports: $name", async ({ open }) => {
  const { source, repository, image: seeded = app, tag = "1", args, stdin = "", users = [], expectBesides } = open();
  await source.seedImage(repository, "1", seeded);
  if (seeded === windows) await source.seedBlob({ repository, content: windowsLayer });
  const askedBefore = source.tokenRequests.length;

  const run = await runCli(["import", ...args, "--json", "--endpoint", service.url], { stdin });

  expect(run.exitCode, run.stderr).toBe(0);
  expect(JSON.parse(run.stdout)).toMatchObject({ state: "Succeeded", source: { registry: source.host }, warnings: [] });
  await expectImage(target, repository, seeded, tag === "" ? undefined : tag);
  const signedIn = source.tokenRequests.slice(askedBefore).filter(({ status }) => status === 200);
  expect([...new Set(signedIn.map(({ user }) => user))]).toEqual(users);
  await expectBesides?.();
});
