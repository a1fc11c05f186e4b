import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import { z } from "zod";
import type { DrayageOptions } from "../../../src/local/drayage.ts";
import { startBrowser } from "../../helpers/browser.ts";
import { type Api, startApi } from "../../host/api-support/start-api.ts";

/** The service with its page, and a browser to look at it with. One per test file. */
export interface Dashboard extends AsyncDisposable {
  readonly api: Api;
  /** Opens a place of the page, e.g. `#/start`, as somebody who has never been there; by default the list of imports. */
  readonly open: (hash?: string, options?: VisitOptions) => Promise<Visit>;
}

/** What kind of browser somebody has. */
export interface VisitOptions extends Pick<BrowserContextOptions, "hasTouch" | "viewport"> {
  /** Where the page is reached, if not at the service itself. */
  readonly url?: string;
  /** Time on the page stands still once it is loaded, until `page.clock` moves it. */
  readonly hasHandClock?: boolean;
}

/** Somebody's browser with the page open. */
export interface Visit extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Paths of the requests so far, and hosts of those that went elsewhere. */
  readonly requests: { readonly paths: readonly string[]; readonly elsewhere: readonly string[] };
}

/** With `keys`, the host asks for one of them. */
export async function startDashboard(
  options: Partial<Pick<DrayageOptions, "keys" | "settings">> = {},
): Promise<Dashboard> {
  await using cleanup = new AsyncDisposableStack();
  const api = cleanup.use(await startApi(options));
  const browser = await startBrowser();
  cleanup.defer(() => browser.close());
  const kept = cleanup.move();
  return {
    api,
    open: (hash = "#/imports", { url = api.url, ...options } = {}) => visit(browser, `${url}/${hash}`, options),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const waitMs = 40_000; // for what takes a second on a machine that has nothing else to do

async function visit(
  browser: Browser,
  place: string,
  { hasHandClock = false, ...options }: Omit<VisitOptions, "url">,
): Promise<Visit> {
  const usual = { viewport: { width: 1_280, height: 900 }, timezoneId: "Europe/Berlin" };
  const context = await browser.newContext({ ...usual, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(waitMs);
  const troubles: string[] = [];
  const paths: string[] = [];
  const elsewhere: string[] = [];
  page.on("pageerror", ({ message }) => troubles.push(message));
  page.on("dialog", (dialog) => troubles.push(`a dialog says ${dialog.message()}`));
  page.on("console", (line) => {
    // The browser itself notes every answer that is an error, and every connection that fails: tests make some.
    if (line.type() === "error" && !line.text().startsWith("Failed to load resource")) troubles.push(line.text());
  });
  page.on("request", (request) => {
    const { origin, host, pathname, search, protocol } = new URL(request.url());
    if (origin === new URL(place).origin) paths.push(`${pathname}${search}`);
    else if (protocol !== "data:") elsewhere.push(host);
  });
  if (hasHandClock) await page.clock.install();
  await page.goto(place);
  if (hasHandClock) await page.clock.pauseAt(Date.now() + 1_000);
  return {
    page,
    context,
    requests: { paths, elsewhere },
    [Symbol.asyncDispose]: async () => {
      await context.close();
      expect({ troubles, elsewhere }).toEqual({ troubles: [], elsewhere: [] });
    },
  };
}

const maxTabs = 60;

/** Presses Tab until the control with this label or text has the focus. */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < maxTabs; presses += 1) {
    await page.keyboard.press("Tab");
    const label = await page.evaluate(
      "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()",
    );
    if (label === name) return;
  }
  throw new Error(`Tab does not lead to ${name}`);
}

const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const findingsSchema = z.array(
  z.object({ id: z.string(), impact: z.string().nullable(), nodes: z.array(z.object({ html: z.string() })) }),
);

/** What axe-core has against the page as it stands, serious things only, with the elements at fault. */
export async function findBarriers(page: Page): Promise<readonly string[]> {
  await page.evaluate(await readFile(axePath, "utf8")); // by the debugger, which no Content-Security-Policy stops
  const found = await page.evaluate("axe.run().then(({ violations }) => violations)");
  return findingsSchema
    .parse(found)
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
