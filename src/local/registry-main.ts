import { pushDemoImage } from "./demo-image.ts";
import { isPortTaken, parseFlags } from "./parse-flags.ts";
import { conformant, distribution28 } from "./registry/behaviour.ts";
import { startEmbeddedRegistry } from "./registry/registry.ts";

const usage = `usage: npm run registry -- [--port 5001] [--dir DIR] [--like distribution-2.8] [--demo-image]

An OCI registry on 127.0.0.1, without authentication. Without --dir it keeps everything in memory.
--demo-image puts an image of three platforms and 191 MiB into it, to import from there.`;

const flags = {
  options: {
    port: { type: "string", default: "5001" },
    dir: { type: "string" },
    like: { type: "string" },
    "demo-image": { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
} as const;
const { values } = parseFlags(flags, usage);

if (values.help) {
  console.log(usage);
} else if (!/^\d{1,5}$/.test(values.port) || (values.like !== undefined && values.like !== "distribution-2.8")) {
  console.error(usage);
  process.exitCode = 2;
} else {
  const registry = await startEmbeddedRegistry({
    port: Number(values.port),
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
    await pushDemoImage({ registryUrl: registry.url, ...image }, new AbortController().signal);
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
