import type { Digest } from "../digest.ts";
import { ImportError } from "../errors.ts";
import type { Repository } from "../registry/registry.ts";
import { putBlob, startUpload } from "../registry/uploads.ts";
import { hasBlob } from "./has-blob.ts";
import { placeOf } from "./place-of.ts";
import type { GiveUp } from "./upload-canceller.ts";

/** Puts a blob of a few bytes that is made here; one that is there is left alone. */
export async function putSmallBlob(
  { giveUp }: { readonly giveUp: GiveUp },
  target: Repository,
  { digest, bytes }: { readonly digest: Digest; readonly bytes: Uint8Array },
  signal: AbortSignal,
): Promise<void> {
  const request = { digest, sizeBytes: bytes.byteLength, content: bytes };
  if (await hasBlob(target, request, signal)) return;
  const session = await startUpload(target, signal);
  let isDone = false;
  try {
    const put = await putBlob(target, session, request, signal);
    isDone = put.kind === "done";
    if (isDone) return;
    throw new ImportError({
      ...placeOf(target),
      code: "TARGET_UPLOAD_REJECTED",
      digest,
      what: `blob ${digest} of ${target.name} was refused (${put.kind})`,
      retryable: put.kind === "session-lost",
    });
  } finally {
    if (!isDone) await giveUp(target, session);
  }
}
