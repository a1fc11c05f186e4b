import type { SettingName } from "../src/config.ts";

/** What docs/configuration.md says of a setting besides its default and values, which config.ts knows. */
export interface SettingDescription {
  /** The document's heading of its table. */
  readonly group: string;
  /** What holds where the setting is missing and has no fixed default; Markdown. */
  readonly withoutIt?: string;
  readonly example: string;
  /** Markdown. */
  readonly meaning: string;
}

/** Every setting, in the order of the document. Not for the app: it would only make it load slower. */
export const settingDescriptions: Readonly<Record<SettingName, SettingDescription>> = {
  AzureWebJobsStorage: {
    group: "Storage",
    example: "UseDevelopmentStorage=true",
    meaning:
      "Connection string of the storage account: tables of Drayage, and queues, tables and blobs of the Durable Task extension",
  },
  AzureWebJobsStorage__accountName: {
    group: "Storage",
    example: "drayagestore",
    meaning:
      "Name of the storage account, for access by the app's managed identity instead of a connection string. Public cloud only (`core.windows.net`)",
  },
  AzureWebJobsStorage__tableServiceUri: {
    group: "Storage",
    example: "https://drayagestore.table.core.chinacloudapi.cn",
    meaning:
      "Address of the account's tables, instead of its name, in any cloud. The Functions host wants `AzureWebJobsStorage__blobServiceUri` as well",
  },
  AzureWebJobsStorage__queueServiceUri: {
    group: "Storage",
    example: "https://drayagestore.queue.core.chinacloudapi.cn",
    meaning: "Address of the account's queues, likewise",
  },
  AzureWebJobsStorage__clientId: {
    group: "Storage",
    example: "11111111-2222-3333-4444-555555555555",
    meaning: "Client id of a user-assigned identity. Not set: the system-assigned one",
  },
  TABLE_PREFIX: {
    group: "Storage",
    example: "test1",
    meaning:
      "Put before the name of each table; before that of each queue in lower case with a hyphen (`test1-imports`). At most 20 letters and digits, a letter first. Orchestrations have names of their own: apps that share an account need a task hub each as well (`AzureFunctionsJobHost__extensions__durableTask__hubName`, letters and digits), or each would run those of the others",
  },
  DEFAULT_TARGET: {
    group: "Registries",
    example: "prod.azurecr.io",
    meaning: "Target of requests that name none",
  },
  REGISTRY_SUFFIX: {
    group: "Registries",
    example: "azurecr.cn",
    meaning: "Completes a bare registry name in a request: `prod` → `prod.azurecr.io`",
  },
  ALLOWED_TARGETS: {
    group: "Registries",
    withoutIt: "`DEFAULT_TARGET` only",
    example: "prod.azurecr.io,*.internal.example",
    meaning: "Registries that may be imported into. Neither this nor `DEFAULT_TARGET` set: none",
  },
  ALLOWED_SOURCES: {
    group: "Registries",
    withoutIt: "any public host",
    example: "docker.io,ghcr.io,*.azurecr.io",
    meaning:
      "Registries that may be imported from. A wildcard does not open hosts that are local or private by their name",
  },
  INSECURE_HOSTS: {
    group: "Registries",
    example: "localhost:5001",
    meaning:
      "Hosts that are reached over plain http. So are those that a registry leads to, with TLS or without, only if they are listed too: the storage behind a Harbor, say, to which no credentials go",
  },
  ALLOW_PRIVATE_HOSTS: {
    group: "Registries",
    example: "localhost:5001,10.0.0.4",
    meaning: "Hosts that may be at private and loopback addresses. Without a port: at the port of the scheme",
  },
  REGISTRIES: {
    group: "Registries",
    example:
      '[{"host":"prod.azurecr.io","alias":"prod","auth":{"kind":"password","username":"drayage","password":"…"}}]',
    meaning: "How to sign in at registries; see below",
  },
  REGISTRIES_FILE: {
    group: "Registries",
    withoutIt: "`registries.yaml` beside `package.json`, if it is there",
    example: "/mounted/registries.yaml",
    meaning:
      "The same list as a file, in YAML or JSON. An empty REGISTRIES counts as not set; both given: the app does not start",
  },
  KEY_VAULT_URL: {
    group: "Identity and key vault",
    example: "https://drayage.vault.azure.net",
    meaning:
      "Key vault that `secret` of entries and requests names secrets of. The app's identity needs the role Key Vault Secrets User",
  },
  SOURCE_SECRETS: {
    group: "Identity and key vault",
    example: "docker-hub@docker.io,partner@*.partner.example",
    meaning:
      "Secrets that requests may name (`source.credentials.secret`), each with the host or `*.suffix` that it may be shown to. Not listed: `400`. Whoever may start imports could otherwise have any secret sent to a registry of his own",
  },
  AZURE_CLIENT_ID: {
    group: "Identity and key vault",
    example: "11111111-2222-3333-4444-555555555555",
    meaning:
      "Client id of a user-assigned identity, where `AzureWebJobsStorage__clientId` names none; client id of the workload identity",
  },
  AZURE_TENANT_ID: {
    group: "Identity and key vault",
    example: "11111111-2222-3333-4444-555555555555",
    meaning: "Tenant of the workload identity",
  },
  AZURE_FEDERATED_TOKEN_FILE: {
    group: "Identity and key vault",
    example: "/var/run/secrets/azure/tokens/azure-identity-token",
    meaning: "File that Kubernetes puts the token of the workload identity into",
  },
  API_SIGN_IN: {
    group: "Callers of the API",
    example: "platform",
    meaning:
      "What the API wants from whoever calls it. `key`: a function key. `platform`: somebody whom App Service authentication has signed in ([docs/deploy.md](deploy.md#sign-in-of-people)); keys count no more. The app does not start with `platform` while that is off",
  },
  API_KEYS: {
    group: "Callers of the ARM routes",
    example: "c2VjcmV0LWtleS1mb3ItcGlwZWxpbmVz",
    meaning:
      "Keys, at least 20 characters each, that are good as header `x-functions-key` on the ARM routes. `openssl rand -hex 24` makes one",
  },
  ARM_TENANT_ID: {
    group: "Callers of the ARM routes",
    example: "11111111-2222-3333-4444-555555555555",
    meaning: "Tenant of Microsoft Entra whose tokens are taken. Needs one of the two below `ARM_AUDIENCES`",
  },
  ARM_ENDPOINT: {
    group: "Callers of the ARM routes",
    withoutIt:
      "by `REGISTRY_SUFFIX`: `https://management.azure.com`, `https://management.chinacloudapi.cn` or `https://management.usgovcloudapi.net`",
    example: "https://management.usgovcloudapi.net",
    meaning:
      "Azure's resource manager, which is asked for registries by their resource id and has ACR import ([delegation.md](delegation.md)). Tokens are for `{ARM_ENDPOINT}/.default`",
  },
  ARM_AUTHORITY: {
    group: "Callers of the ARM routes",
    example: "https://login.microsoftonline.us",
    meaning: "Sign-in service of the tenant's cloud; for China `https://login.partner.microsoftonline.cn`",
  },
  ARM_AUDIENCES: {
    group: "Callers of the ARM routes",
    example: "api://drayage",
    meaning: "Audiences of tokens that are taken; with and without a slash at the end",
  },
  ARM_ALLOWED_PRINCIPALS: {
    group: "Callers of the ARM routes",
    example: "66666666-7777-8888-9999-aaaaaaaaaaaa",
    meaning:
      "Object ids of users and service principals that may come in. An application id counts for an app that calls for itself, not for the people who use it",
  },
  ARM_APP_ROLE: {
    group: "Callers of the ARM routes",
    example: "Imports.Write",
    meaning:
      "App role that lets its holders in. Tokens carry roles of their own audience only: goes with an app registration of yours in `ARM_AUDIENCES`",
  },
  HTTPS_PROXY: {
    group: "Proxy",
    example: "http://user:password@proxy.example:3128",
    meaning:
      "Proxy that https URLs of registries and web hooks are reached through. http or https; the scheme may be left out",
  },
  HTTP_PROXY: {
    group: "Proxy",
    example: "http://proxy.example:3128",
    meaning:
      "The same for the http URLs of `INSECURE_HOSTS`. They too go through a tunnel (`CONNECT`), which many proxies open for port 443 only",
  },
  NO_PROXY: {
    group: "Proxy",
    example: ".internal.example,prod.azurecr.io,10.0.0.0/8",
    meaning:
      "Who is reached without it: names (and those below them), `.suffix`, addresses and blocks, each with a port or without, or `*`. `localhost` and loopback addresses always are",
  },
  SECRETS_KEY: {
    group: "What is sealed",
    example: "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    meaning:
      "Key (base64 of 32 bytes, `openssl rand -base64 32`) that seals credentials which requests bring, until their import ends, and addresses at which uploads and imports of ACR go on. A list `new:…,old:…` while keys are changed: the first seals, all open. Not set: such requests are refused with `400`, and each process seals with a key of its own: what another one has begun of a large blob or at ACR is begun again, and uploads that it has left are not cancelled at their registry",
  },
  HOOK_SECRETS: {
    group: "Webhooks",
    example: "acr:3f7c91d0a86e4b52,harbor:95d1e3078ab24c6f",
    meaning:
      'What webhooks must bring, by kind: `acr`, `dockerhub`, `harbor`, `distribution` ([docs/triggers.md](triggers.md)). At least 16 characters each (`openssl rand -hex 24`). A kind may be named twice while its secret is changed: both do. Also as JSON: `{"acr":"…","harbor":["…","…"]}`. A kind without secret answers `404`',
  },
  DEFAULT_TIMEOUT_SECONDS: {
    group: "Transfers",
    example: "3600",
    meaning: "For a whole import, where the request has no `timeoutSeconds`.",
  },
  ACTIVITY_BUDGET_SECONDS: {
    group: "Transfers",
    example: "600",
    meaning:
      "How long one step copies before it stores how far it came and is called again. Keep it well below `functionTimeout` of host.json",
  },
  LARGE_BLOB_BYTES: {
    group: "Transfers",
    withoutIt: "by measured rate",
    example: "1073741824",
    meaning:
      "Blobs from this size on go up in chunks with checkpoints. Not set: those that the measured rate (50 MiB/s until measured) cannot bring over in half of the budget, and those that a step of before has not brought over",
  },
  BUFFER_BYTES: {
    group: "Transfers",
    example: "50331648",
    meaning: "Memory that parallel ranges share in one process.",
  },
  CONNECTIONS_PER_HOST: {
    group: "Transfers",
    example: "16",
    meaning:
      "How many of `REQUESTS_PER_HOST` may carry blobs: so many downloads and so many writes at a time. There is no other limit on sockets",
  },
  REQUESTS_PER_HOST: {
    group: "Transfers",
    example: "16",
    meaning:
      "Requests in flight per registry host and process, of each kind: downloads of blobs, other reads, lists of referrers, writes, requests for tokens",
  },
  LIMIT_SHARES: {
    group: "Transfers",
    example: "10",
    meaning:
      "Instances that share what a registry grants a minute: each takes its part of `limits`. The greatest number of instances that the app may have",
  },
  RETENTION_DAYS: {
    group: "Housekeeping",
    example: "30",
    meaning:
      "How long imports and promotions that have ended, events that could not be delivered, messages that were given up and the histories of orchestrations are kept. What they copied stays. `0`: for ever",
  },
  STUCK_MINUTES: {
    group: "Housekeeping",
    example: "120",
    meaning:
      "How long nothing of a running import may move. Then another attempt takes its place, and if that stands still as well, the import fails with `IMPORT_STUCK`. An import that waits for a registry, for a blob that another one sends, or for its turn, is not stuck. Also how long an import whose turn it is may wait for its first step before the log tells of it (`imports-not-begun`)",
  },
  EVENT_SINKS: {
    group: "Events out",
    example: '[{"name":"hook","kind":"webhook","url":"https://ci.example/drayage","secret":"at-least-16-characters"}]',
    meaning: "Who is told when imports and promotions end; see below",
  },
  EVENT_SOURCE: {
    group: "Events out",
    example: "https://drayage.example",
    meaning: "Attribute `source` of every event: a URI reference that tells several Drayages apart",
  },
  EVENT_RETRY_SECONDS: {
    group: "Events out",
    example: "10,60,600",
    meaning: "Seconds before the second, third, … try of a delivery; after the last one the event is dead.",
  },
};
