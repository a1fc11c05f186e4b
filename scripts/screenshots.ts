import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { chromium, type Page } from "playwright-core";
import "./build.ts";

/* `npm run screenshots`: the pictures of README and docs/dashboard.md, of what the demo leaves behind. Needs Chromium. */

const directory = "docs/images";
const maxBytes = 200_000;

const demo = spawn(process.execPath, ["dist/local/demo.mjs", "--keep"], { stdio: ["ignore", "pipe", "inherit"] });
const exited = once(demo, "exit");
try {
  const { service, source, target } = await untilKept(demo);
  const failed = { source: `${source}/demo/app:2.0`, target };
  await fetch(`${service}/api/imports?wait=60`, { method: "POST", body: JSON.stringify(failed) });
  const listed = await fetch(`${service}/api/imports?state=Succeeded&source=${source}&limit=200`);
  const id = /"id":"([^"]+)"(?:(?!"id":).)*"repository":"demo\/app"/.exec(await listed.text())?.[1];
  if (id === undefined) throw new Error("the demo's import is not there");
  await mkdir(directory, { recursive: true });
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const page = await browser.newPage({ viewport: { width: 1_200, height: 860 }, colorScheme: "light" });
  await page.goto(`${service}/#/overview?window=hour`);
  await page.getByRole("link", { name: "SOURCE_NOT_FOUND", exact: true }).waitFor();
  await save(page, "overview");
  await page.goto(`${service}/#/import/${id}`);
  await page.locator(".tree summary").first().waitFor(); // the last to be loaded
  await page.setViewportSize({ width: 1_200, height: 1_160 });
  await save(page, "import");
  await browser.close();
} finally {
  demo.kill("SIGINT");
  await exited;
}

/** The addresses that the demo prints, once it has done all and goes on running. */
async function untilKept(child: ChildProcess) {
  const addresses = new Map<string, string>();
  if (child.stdout === null) throw new Error("the demo has no output");
  for await (const line of createInterface({ input: child.stdout })) {
    const [, name = "", address = ""] = /^ +(service|source registry|target registry) +(\S+)$/.exec(line) ?? [];
    if (name !== "") addresses.set(name, address);
    if (line.startsWith("Everything goes on running")) break;
  }
  const addressOf = (name: string) => {
    const address = addresses.get(name);
    if (address === undefined) throw new Error(`the demo ended before it had told of its ${name}`);
    return address;
  };
  return {
    service: addressOf("service"),
    source: addressOf("source registry"),
    target: addressOf("target registry"),
  };
}

async function save(page: Page, name: string): Promise<void> {
  const picture = await page.screenshot();
  if (picture.byteLength > maxBytes) throw new Error(`${name} has ${picture.byteLength} bytes, more than ${maxBytes}`);
  await writeFile(`${directory}/${name}.png`, picture);
  console.log(`${directory}/${name}.png  ${picture.byteLength} bytes`);
}
