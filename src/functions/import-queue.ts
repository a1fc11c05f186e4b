import { queueNames } from "../domain/queue-names.ts";
import { createReject } from "../domain/rejected-import.ts";
import type { Imports } from "../store/imports.ts";
import { createPoison } from "../store/poison.ts";
import type { QueueAccess } from "../store/queues.ts";
import type { TableAccess } from "../store/storage-client.ts";
import type { BeginAgain } from "./begin-again.ts";
import type { AfterEnd } from "./end-import.ts";
import type { Log } from "./log.ts";
import { createRestartImport } from "./restart-import.ts";
import type { StartImport } from "./start-import.ts";
import { createOnImportMessage, type OnImportMessageDeps } from "./triggers/on-import-message.ts";
import { createDrainPoison, createOnPoisonMessage } from "./triggers/on-poison-message.ts";
import { createDeletePoison, createGetPoison, createListPoison, createRequeuePoison } from "./triggers/poison.ts";

export interface ImportQueueDeps
  extends Pick<OnImportMessageDeps, "assertAllowed" | "settings" | "startPromotion" | "startItem"> {
  readonly access: TableAccess;
  readonly queues: QueueAccess;
  readonly imports: Imports;
  readonly beginAgain: BeginAgain;
  readonly startImport: StartImport;
  readonly afterEnd: AfterEnd;
  readonly log: Log;
  readonly now: () => Date;
}

/** Queue `imports`, its poison queue and what operators do about given-up messages, put together. */
export function createImportQueue(deps: ImportQueueDeps) {
  const { access, queues, imports, startImport, afterEnd, log, now } = deps;
  const poison = createPoison(access);
  const restartImport = createRestartImport({ imports, beginAgain: deps.beginAgain, now });
  const reject = createReject({ insertImport: imports.insert, afterEnd, now });
  const poisonQueue = queues.queue(queueNames.poison);
  return {
    onImportMessage: createOnImportMessage({
      ...{ assertAllowed: deps.assertAllowed, startImport, restartImport, reject, poison: poisonQueue, log, now },
      settings: { ...deps.settings, defaultConflict: "skipIfSame" },
      startPromotion: deps.startPromotion,
      startItem: deps.startItem,
    }),
    /** To be called each hour. */
    drainPoison: createDrainPoison({ table: poison, log, now }, queues.queue(queueNames.unread)),
    onPoisonMessage: createOnPoisonMessage({ table: poison, queue: poisonQueue, log, now }),
    handlers: {
      listPoison: createListPoison({ poison }),
      getPoison: createGetPoison({ poison }),
      deletePoison: createDeletePoison({ poison }),
      requeuePoison: createRequeuePoison({ poison, imports, queue: queues.queue(queueNames.imports) }),
    },
  };
}
