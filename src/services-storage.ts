import { identity } from "./app-identity.ts";
import type { Config, StorageConfig } from "./config.ts";
import type { Log } from "./functions/log.ts";
import { createHeartbeat } from "./store/heartbeat.ts";
import { createHosts } from "./store/hosts.ts";
import { createImports } from "./store/imports.ts";
import { createKeys } from "./store/keys.ts";
import { createOpen } from "./store/open.ts";
import { createParts } from "./store/parts.ts";
import { createPromotionItems } from "./store/promotion-items.ts";
import { createPromotions } from "./store/promotions.ts";
import { createQueueAccess } from "./store/queues.ts";
import { createSealer } from "./store/sealing.ts";
import { createSecrets } from "./store/secrets.ts";
import { createTableAccess, type StorageLocation } from "./store/storage-client.ts";
import { createUploads } from "./store/uploads.ts";

const lostWithoutKey = "credentials in requests, and what another process has begun of a large blob or at ACR";

/** The storage account's tables and queues. Nothing here touches the network. Logs it when there is no key that seals. */
export function createStores({ storage, tablePrefix, secretsKeys }: Config, log: Log, now: () => Date) {
  const location = toLocation(storage);
  const access = createTableAccess({ storage: location, tablePrefix });
  access.onUnreadable((row) => log("row-unreadable", { ...row }));
  const sealer = createSealer(secretsKeys);
  if (!sealer.isAvailable) log("secrets-key-missing", { setting: "SECRETS_KEY", lost: lostWithoutKey });
  const ours = { storage: location, onTransaction: access.count };
  return {
    access,
    queues: createQueueAccess({ ...ours, namePrefix: tablePrefix }),
    /** A queue that is not Drayage's own, by its whole name. */
    foreignQueue: createQueueAccess({ ...ours, namePrefix: "" }).queue,
    imports: createImports(access),
    open: createOpen(access),
    parts: createParts(access),
    heartbeat: createHeartbeat(access),
    hosts: createHosts(access, { now }),
    keys: createKeys(access),
    sealer,
    secrets: createSecrets(access, sealer),
    uploads: createUploads(access, { now, sealer, every }),
    promotions: createPromotions(access),
    items: createPromotionItems(access),
  };
}

export type Stores = ReturnType<typeof createStores>;

/** In Azure by the app's identity; never a chain of whatever happens to sign in. */
function toLocation(storage: StorageConfig): StorageLocation {
  if (storage.kind === "connectionString") return { connectionString: storage.connectionString };
  const { tableUrl, queueUrl } = storage;
  return { tableUrl, queueUrl, credential: identity(storage) };
}

function every(ms: number, run: () => void): () => void {
  const timer = setInterval(run, ms).unref();
  return () => clearInterval(timer);
}
