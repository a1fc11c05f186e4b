/**
 * How the service's process is started. Blobs pass through as short-lived buffers: a small young generation is
 * collected before it grows, which costs no time and a third less memory than Node's default (docs/performance.md).
 * In Azure: setting `languageWorkers__node__arguments`.
 */
export const serviceNodeFlags: readonly string[] = ["--max-semi-space-size=4"];
