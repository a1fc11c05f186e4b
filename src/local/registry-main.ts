import { pushDemoImage } from "./demo-image.ts";
import { putDemoSbom } from "./demo-sbom.ts";
import { isPortTaken, parseFlags } from "./parse-flags.ts";
import { conformant, distribution28 } from "./registry/behaviour.ts";
import { startEmbeddedRegistry } from "./registry/registry.ts";

const usage = `usage: npm run registry -- [--port 5001] [--dir DIR] [--like distribution-2.8] [--user NAME:PASSWORD] [--demo-image]

An OCI registry on 127.0.0.1. Without --dir it keeps everything in memory. With --user it wants that name and password
(a registry to try a sign-in at: others see them in the process list), else it lets in everybody.
--demo-image puts an image of three platforms and 191 MiB with an SBOM into it, to import from there.`;

const flags = {
  options: {
    port: { type: "string", default: "5001" },
    dir: { type: "string" },
    like: { type: "string" },
    user: { type: "string" },
    "demo-image": { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
} as const;
const { values } = parseFlags(flags, usage);
const [, name = "", password = ""] = /^([^:]+):(.+)$/.exec(values.user ?? "") ?? [];
const areKnown =
  /^\d{1,5}$/.test(values.port) &&
  (values.like === undefined || values.like === "distribution-2.8") &&
  (values.user === undefined || name !== "");

if (values.help) {
  console.log(usage);
} else if (!areKnown) {
  console.error(usage);
  process.exitCode = 2;
} else {
  const registry = await startEmbeddedRegistry({
    port: Number(values.port),
    ...(values.user === undefined ? {} : { auth: { kind: "basic", users: { [name]: password } } }),
    behaviour: values.like === undefined ? conformant : distribution28,
    ...(values.dir === undefined ? {} : { directory: values.dir }),
  }).catch((thrown: unknown) => {
    if (!isPortTaken(thrown)) throw thrown;
    console.error(`port ${values.port} is taken: npm run registry -- --port PORT takes another one (0: any)`);
    process.exit(1);
  });
  console.log(`registry on ${registry.host}, ${values.dir === undefined ? "in memory" : `stored in ${values.dir}`}`);
  if (values["demo-image"]) {
    const image = { repository: "demo/app", tag: "1.0" };
    const authorization = `Basic ${Buffer.from(values.user ?? "").toString("base64")}`;
    const target = { registryUrl: registry.url, ...image, ...(values.user === undefined ? {} : { authorization }) };
    const made = await pushDemoImage(target, new AbortController().signal);
    await putDemoSbom(registry, {
      repository: image.repository,
      digest: made.digest,
      sizeBytes: made.indexBytes,
      listedBy: values.like === undefined ? "api" : "tag",
    });
    console.log(`it holds ${registry.host}/${image.repository}:${image.tag}`);
  }
  const stop = (): void => {
    registry.close().catch((thrown: unknown) => {
      console.error(thrown);
      process.exitCode = 1;
    });
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
}
