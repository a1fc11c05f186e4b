/**
 * How the service's process is started. Blobs pass through as short-lived buffers: a small young generation is
 * collected before it grows, which saves a third of the memory that Node takes by default (docs/performance.md).
 * In Azure: setting `languageWorkers__node__arguments`.
 */
export const serviceNodeFlags: readonly string[] = ["--max-semi-space-size=4"];
