/**
 * How the service's process is started. Blobs pass through as short-lived buffers: a small young generation is
 * collected before it grows, and a bounded old one keeps what is dead from piling up (docs/performance.md).
 * In Azure: setting `languageWorkers__node__arguments`.
 */
export const serviceNodeFlags: readonly string[] = ["--max-semi-space-size=4", "--max-old-space-size=256"];
