import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { build } from "esbuild";
import { codings, type PageManifest, pageManifestName } from "../src/functions/page/page-files.ts";

const source = "src/page";
const documentName = "index.html";
const contentTypes: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
};

/** Bundles the dashboard into the folder `target`: hashed names, every file beside its compressed forms, and a manifest of all. */
export async function buildPage(target: string): Promise<void> {
  const { metafile } = await build({
    entryPoints: { page: `${source}/main.tsx` },
    outdir: target,
    entryNames: "[name]-[hash]",
    bundle: true,
    minify: true,
    platform: "browser",
    format: "esm",
    target: ["es2022", "chrome123", "firefox120", "safari17.5"],
    jsx: "automatic",
    jsxImportSource: "preact",
    loader: { ".md": "text" },
    tsconfig: `${source}/tsconfig.json`,
    metafile: true,
    logLevel: "warning",
  });
  const assets = Object.keys(metafile.outputs).map((path) => basename(path));
  const assetOf = (extension: string) => {
    const name = assets.find((asset) => asset.endsWith(extension));
    if (name === undefined) throw new Error(`the page has no ${extension}`);
    return `/assets/${name}`;
  };
  const template = await readFile(join(source, documentName), "utf8");
  const html = template.replace("PAGE_SCRIPT", assetOf(".js")).replace("PAGE_STYLE", assetOf(".css"));
  await writeFile(join(target, documentName), html);
  const files = await Promise.all([documentName, ...assets].map((name) => finishFile(target, name)));
  const manifest: PageManifest = { v: 1, document: documentName, files };
  await writeFile(join(target, pageManifestName), JSON.stringify(manifest));
}

const compress = {
  br: (content: Uint8Array) =>
    promisify(brotliCompress)(content, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }),
  gzip: (content: Uint8Array) => promisify(gzip)(content, { level: constants.Z_BEST_COMPRESSION }),
} as const;

/** Writes the compressed forms of a file and returns its line of the manifest. */
async function finishFile(target: string, name: string): Promise<PageManifest["files"][number]> {
  const path = join(target, name);
  const content = await readFile(path);
  await writeFile(`${path}${codings.br}`, await compress.br(content));
  await writeFile(`${path}${codings.gzip}`, await compress.gzip(content));
  const contentType = contentTypes[name.split(".").at(-1) ?? ""];
  if (contentType === undefined) throw new Error(`${name} has no content type`);
  return { name, contentType, etag: createHash("sha256").update(content).digest("base64url").slice(0, 27) };
}
