type Header = (name: string) => string | undefined;

const windowLooks = 24; // a quarter of an hour for six hours

/**
 * Seconds until a quota that is used up is worth another look; undefined while some of it is left, or nothing is told.
 * Reads `RateLimit-Remaining` and `-Reset`, the `RateLimit` of later drafts (`limit=9, remaining=0, reset=30`, then
 * `"name";r=0;t=30`), and Docker Hub's `0;w=21600`, which tells the window and no end of it.
 * Sources: draft-ietf-httpapi-ratelimit-headers 05, 07 and 10; docker/hub-feedback#2464.
 */
export function usedUpSeconds(header: Header): number | undefined {
  const combined = header("ratelimit") ?? "";
  const remaining = numberIn(/^\s*(\d+)/, header("ratelimit-remaining")) ?? numberIn(remainingIn, combined);
  if (remaining !== 0) return undefined;
  const reset = numberIn(/^\s*(\d+)\s*$/, header("ratelimit-reset")) ?? numberIn(resetIn, combined);
  if (reset !== undefined) return reset;
  const window = numberIn(windowIn, header("ratelimit-remaining")) ?? numberIn(windowIn, header("ratelimit-limit"));
  return window === undefined ? undefined : Math.ceil(window / windowLooks);
}

const remainingIn = /(?:^|[;,\s])(?:remaining|r)\s*=\s*(\d+)/i;
const resetIn = /(?:^|[;,\s])(?:reset|t)\s*=\s*(\d+)/i;
const windowIn = /;\s*w\s*=\s*(\d+)/i;

function numberIn(pattern: RegExp, text: string | undefined): number | undefined {
  const digits = pattern.exec(text ?? "")?.[1];
  return digits === undefined || digits.length > 9 ? undefined : Number(digits);
}
