/**
 * Whether a host of version `hostVersion` (host.json defaultVersion) runs an instance of `version`: an older or equal one
 * (versionMatchStrategy CurrentOrOlder). What it does not run stays Pending.
 */
export function mayRunVersion(version: string | null, hostVersion: string | null): boolean {
  if (version === null || version === "") return true;
  return hostVersion !== null && compareVersions(version, hostVersion) <= 0;
}

const numeric = /^\d+(\.\d+)*$/;

/** Numbers part by part, everything else as text without regard to case. */
function compareVersions(left: string, right: string): number {
  if (!numeric.test(left) || !numeric.test(right)) {
    const [a, b] = [left.toLowerCase(), right.toLowerCase()];
    return a < b ? -1 : Number(a > b);
  }
  const [a, b] = [left.split(".").map(Number), right.split(".").map(Number)];
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
