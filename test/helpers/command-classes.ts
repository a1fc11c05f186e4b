/** What becomes of a command that a document shows. */
export type CommandClass =
  /** A test runs it. */
  | { readonly kind: "here" }
  /** No test can run it: it needs what this names. */
  | { readonly kind: "needs"; readonly what: string }
  /** Something else runs it or what it runs. */
  | { readonly kind: "elsewhere"; readonly where: string }
  /** No command, but settings as a shell writes them. */
  | { readonly kind: "settings" };

const azure = { kind: "needs", what: "Azure" } as const;
const internet = { kind: "needs", what: "registries that are not on this machine" } as const;
const ports = { kind: "needs", what: "the usual ports of a storage emulator, which the machine may use" } as const;
const ci = { kind: "elsewhere", where: ".ci/run runs it" } as const;
const here = { kind: "here" } as const;

/** The first that matches decides. A program that is not here has to be added, with what may run of it. */
const classes: readonly (readonly [RegExp, CommandClass])[] = [
  [/\baz [a-z]|\bazd [a-z]/, azure],
  [/^\w+=\/subscriptions\//, azure],
  [/^(EVENT_SINKS|ARM_TENANT_ID|ARM_ALLOWED_PRINCIPALS)=('[^']*'|\S+)$/, { kind: "settings" }],
  [/^BUFFER_BYTES=lots .*npm start$/s, here],
  [/\b(docker\.io|mcr\.microsoft\.com|ghcr\.io|azurecr\.io|example\.com)\b/, internet],
  [/^drayage import --registry (\$SRC|\$FAR|src) /, internet],
  [/^drayage .*127\.0\.0\.1:\d{5}/, { kind: "elsewhere", where: "npm run demo runs it and prints it" }],
  [/^(npm ci && )?npm (test|run demo|run package)$/, ci],
  [/^npm run build$/, { kind: "elsewhere", where: "it is built before these tests run" }],
  [/^(BENCH_DIR=\S+ )?npm run bench\b/, { kind: "needs", what: "minutes on a quiet machine" }],
  [/^npx azurite |^AzureWebJobsStorage='UseDevelopmentStorage=true' npm start/, ports],
  [
    /^drayage list --state Failed .* retry /s,
    { kind: "needs", what: "imports whose cause of failure has been mended" },
  ],
  [/^(drayage|node dist\/drayage\.mjs) [a-z]/, here],
  [/^(curl|skopeo inspect|jq) /, here],
  [/^(DIGEST|ID)=\$\(curl /, here],
  [/^(INDEX|REGISTRIES_URL)=\S+$/, here],
  [
    /^(mkdir -p|find) letters\b|^cp dist\/drayage\.zip /,
    { kind: "needs", what: "what the commands for Azure before it have brought" },
  ],
  [/^\w+=(\$\((uuidgen|openssl rand -hex 24)\)|"https:\/\/graph\.microsoft\.com\/)/, azure],
  [/^for \w+ in \$\(drayage /, here],
  [/^for tag in [\w. -]+; do\n +curl /, here],
  [/^cat [\w.-]+$|^node send\.mjs '|^REGISTRY_TOKEN=\S+ VERSION=1\.0 bash import\.sh$/, here],
  [/^cp local\.settings\.sample\.json local\.settings\.json$/, here],
  [/^npm run registry( -- --port \d+ (--demo-image|--user \S+))?$/, here],
  [/^mkdir -p ~\/\.local\/bin && ln -sf .*\/drayage$|^DIGEST=sha256:/, here],
  [/^sudo install /, { kind: "needs", what: "rights on the machine" }],
  [/^npm start$/, here],
  [/^kill -9 \d+$/, here],
  [/^node --input-type=module -e '\nimport \{ QueueClient \}/, here],
  [/^npm run infra:check$/, { kind: "elsewhere", where: "test/infra/template.test.ts runs it" }],
];

/** What becomes of the command; undefined: nobody has said it yet. */
export function classOf(text: string): CommandClass | undefined {
  return classes.find(([matching]) => matching.test(text))?.[1];
}

/** Places in the list above that no command needs. */
export function unusedClasses(texts: readonly string[]): readonly string[] {
  const used = new Set(texts.map((text) => classes.find(([matching]) => matching.test(text))));
  return classes.filter((one) => !used.has(one)).map(([matching]) => String(matching));
}

/** Whether .ci/run is what runs the command. */
export function runsInCi(text: string): boolean {
  return classOf(text) === ci;
}
