import { type Browser, chromium } from "playwright-core";
import { needs } from "./needs.ts";

const program = "chromium";

/** Whether there is a browser to test with, for `describe.runIf`; {@link needs} says what happens where there is none. */
export function hasBrowser(): boolean {
  return needs(program);
}

/** Starts Debian's Chromium without a window. */
export function startBrowser(): Promise<Browser> {
  // In a container there often is no user namespace for its sandbox, and little shared memory.
  return chromium.launch({ executablePath: `/usr/bin/${program}`, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}
