/**
 * How the service's process is started; docs/performance.md has what each of these saves. Blobs pass through as
 * short-lived buffers of 64 KiB, and V8's and glibc's defaults are made for other loads:
 * a small young generation is collected before it grows, and an old one that at most doubles keeps garbage down.
 * In Azure: setting `languageWorkers__node__arguments`, where the parameter `ownWorker` says so.
 */
export const serviceNodeFlags: readonly string[] = ["--max-semi-space-size=4", "--heap-growing-percent=70"];

/**
 * By default glibc gives a buffer's memory back to the kernel as soon as it is freed, only to ask for it again for the
 * next one: on a fast connection that costs more than reading and hashing. glibc reads these when the process starts: in Azure they need `ownWorker` too.
 */
export const serviceEnvironment: Readonly<Record<string, string>> = {
  MALLOC_TRIM_THRESHOLD_: String(64 * 1024 * 1024),
  MALLOC_ARENA_MAX: "2",
};
