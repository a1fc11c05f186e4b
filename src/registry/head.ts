import { type ByteRange, formatRange, parseContentRange } from "./http-range.ts";
import type { AnswerHead, Repository } from "./registry.ts";
import { parseLength } from "./response.ts";

export interface HeadRequest {
  /** Below `/v2/{repository}/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses of the registry that the caller understands. */
  readonly accept: readonly number[];
  /** What of it is asked for where a GET has to stand in. */
  readonly range?: ByteRange;
  /** The registry is known to refuse a HEAD of such things. */
  readonly isByGet?: boolean;
}

/**
 * What a HEAD of a manifest or blob tells. Storage that a registry redirects to may have signed its URL for GET alone and
 * refuse the HEAD (moby/moby#50065, pulp/pulp_container#579): then a GET is asked for the same, and its body is left.
 */
export async function sendHead(repository: Repository, request: HeadRequest, signal: AbortSignal): Promise<AnswerHead> {
  const head = request.isByGet ? undefined : await askByHead(repository, request, signal);
  return head ?? (await askByGet(repository, request, signal));
}

/** Bytes of the whole, as an answer to {@link sendHead} tells them. */
export function sizeOf({ status, header }: AnswerHead): number | undefined {
  if (status === 206) return parseContentRange(header("content-range"))?.totalBytes;
  return status === 200 ? parseLength(header("content-length")) : undefined;
}

/** Undefined: storage refuses it. The response is closed by then, since the GET waits for a slot of the same kind. */
async function askByHead(
  repository: Repository,
  { path, headers = {}, accept }: HeadRequest,
  signal: AbortSignal,
): Promise<AnswerHead | undefined> {
  const sent = { method: "HEAD", target: { path }, headers } as const;
  const isUnderstood = (answer: AnswerHead) => isRefusedByStorage(answer) || accept.includes(answer.status);
  await using response = await repository.send({ ...sent, accept: isUnderstood }, signal);
  return isRefusedByStorage(response) ? undefined : response;
}

async function askByGet(
  repository: Repository,
  { path, headers, accept, range }: HeadRequest,
  signal: AbortSignal,
): Promise<AnswerHead> {
  const ranged = range === undefined ? {} : { range: formatRange(range) };
  // 416: there is nothing in it that a range could be of.
  const understood = range === undefined ? accept : [...accept, 206, 416];
  const sent = { method: "GET", target: { path }, headers: { ...headers, ...ranged }, wants: "head" } as const;
  const isUnderstood = (answer: AnswerHead) => !isRefusedByStorage(answer) && understood.includes(answer.status);
  await using response = await repository.send({ ...sent, accept: isUnderstood }, signal);
  return response;
}

function isRefusedByStorage({ status, isOwn }: AnswerHead): boolean {
  return !isOwn && (status === 401 || status === 403);
}
