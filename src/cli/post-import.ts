import type { ApiClient, ImportLook, PostImport } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";

export interface PostImportDeps {
  readonly client: Pick<ApiClient, "postImport">;
  readonly io: Pick<CliIo, "now" | "sleep" | "interrupted">;
  /** Says something besides. */
  readonly note: (text: string) => void;
}

/**
 * Starts an import. Where the answer is lost the import may have started: the request is repeated with its
 * Idempotency-Key, which finds that import or starts it, for up to a minute (the service may be restarting). A first
 * request that was refused or never reached the service is not repeated.
 */
export async function postImport(deps: PostImportDeps, post: PostImport, maxSeconds: number): Promise<ImportLook> {
  try {
    return await deps.client.postImport(post, deps.io.interrupted);
  } catch (thrown) {
    if (!isAnswerLost(thrown)) throw thrown;
    deps.note(`${thrown.message}; repeating the request with its idempotency key, which starts no second import`);
    const look = await repeatPost(deps, post, Math.min(maxSeconds * 1000, repeatMs));
    deps.note("the service answers again");
    return look;
  }
}

async function repeatPost({ client, io }: PostImportDeps, post: PostImport, patienceMs: number): Promise<ImportLook> {
  const lostAt = io.now();
  for (;;) {
    await io.sleep(pauseMs, io.interrupted);
    try {
      return await client.postImport(post, io.interrupted);
    } catch (thrown) {
      if (!(thrown instanceof CliError) || !thrown.isPassing) throw thrown;
      if (io.now() - lostAt >= patienceMs) throw withKey(thrown, post.idempotencyKey);
    }
  }
}

const repeatMs = 60_000;
const pauseMs = 2000;
const neverSent: ReadonlySet<string | undefined> = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ENETUNREACH"]);

function isAnswerLost(thrown: unknown): thrown is CliError {
  if (!(thrown instanceof CliError)) return false;
  return thrown.isPassing && thrown.httpStatus === undefined && !neverSent.has(thrown.code);
}

/** Says how to repeat the request later without a second import. */
function withKey(error: CliError, idempotencyKey: string): CliError {
  return new CliError({
    exitCode: error.exitCode,
    code: error.code,
    httpStatus: error.httpStatus,
    message: error.message,
    hint: `the import may have started all the same; repeat with --idempotency-key ${idempotencyKey} to have it once`,
    cause: error,
  });
}
