import { createHash } from "node:crypto";
import type { HttpRequest } from "@azure/functions";
import { createImportId, type ImportId } from "../domain/import-id.ts";
import { ImportError } from "../errors.ts";
import type { Keys } from "../store/keys.ts";

export interface ClaimIdDeps {
  readonly keys: Pick<Keys, "claim">;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly now: () => Date;
}

export interface ClaimWish {
  /** Keys of imports and of promotions do not meet. */
  readonly kind: "import" | "promotion";
  /** What the request says, without anything secret: no hash of a password is kept. */
  readonly body: unknown;
  readonly causedAt: Date;
}

/** A fresh id, or with `Idempotency-Key` the one that the first request under this key was given. */
export type ClaimId = (request: HttpRequest, wish: ClaimWish) => Promise<ImportId>;

const maxKeyChars = 256;

export function createClaimId({ keys, randomBytes, now }: ClaimIdDeps): ClaimId {
  return async (request, { kind, body, causedAt }) => {
    const fresh = createImportId(causedAt, randomBytes(16));
    const key = request.headers.get("idempotency-key");
    if (key === null) return fresh;
    if (key === "" || key.length > maxKeyChars) {
      throw new ImportError({
        code: "INVALID_REQUEST",
        stage: "accept",
        what: `header Idempotency-Key has ${key.length} characters`,
        hint: `1 to ${maxKeyChars}`,
      });
    }
    const principal = request.headers.get("x-ms-client-principal-id") ?? "anonymous";
    const caller = kind === "import" ? principal : `${kind} ${principal}`;
    const bodyHash = createHash("sha256").update(JSON.stringify(body)).digest("hex");
    const claimed = await keys.claim({ caller, key, bodyHash, importId: fresh, now: now() });
    if (claimed !== "other-body") return claimed.importId;
    throw new ImportError({
      code: "IDEMPOTENCY_KEY_REUSED",
      stage: "accept",
      what: "this Idempotency-Key was used for another request",
      hint: "take a new key for a new request",
    });
  };
}
