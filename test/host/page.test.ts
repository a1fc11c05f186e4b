import { readdir, readFile } from "node:fs/promises";
import { request } from "node:http";
import { brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, startApi } from "./api-support/start-api.ts";

const builtPage = new URL("../../dist/page/", import.meta.url);
const KiB = 1_024;

interface RawAnswer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
}

let api: Api;
beforeAll(async () => {
  api = await startApi({ keys: ["a key that nobody gives"] });
});
afterAll(() => api[Symbol.asyncDispose]());

/** As it comes over the wire: `fetch` would undo the compression. */
function get(path: string, headers: Readonly<Record<string, string>> = {}, method = "GET"): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${api.url}${path}`, { headers, method }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
    });
    sent.on("error", reject);
    sent.end();
  });
}

/** The files that the document names. */
async function assetPaths(): Promise<readonly string[]> {
  const { body } = await get("/");
  return [...body.toString().matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path = ""]) => path);
}

describe("GET /", () => {
  it("is open to everybody, and lets the browser load nothing from elsewhere", async () => {
    const { status, headers } = await get("/");

    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    });
    const policy = String(headers["content-security-policy"]).split("; ");
    expect(policy).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "form-action 'none'",
      ]),
    );
    expect(policy.join()).not.toContain("unsafe");
  });

  it("answers 304 while it is what the browser has", async () => {
    const { headers } = await get("/");

    const again = await get("/", { "if-none-match": String(headers.etag) });

    expect(again).toMatchObject({ status: 304, body: Buffer.alloc(0) });
  });

  it("has another ETag in each coding, and 304 for the one of that coding alone", async () => {
    const codings = ["br", "gzip", "identity"];
    const etags = await Promise.all(
      codings.map(async (coding) => String((await get("/", { "accept-encoding": coding })).headers.etag)),
    );
    const ask = (coding: string, etag = "") => get("/", { "accept-encoding": coding, "if-none-match": etag });

    expect(new Set(etags).size).toBe(3);
    expect(await ask("br", etags[0])).toMatchObject({ status: 304, headers: { etag: etags[0] } });
    expect(await ask("br", etags[1])).toMatchObject({ status: 200, headers: { "content-encoding": "br" } });
  });

  it("answers HEAD as GET, without a body", async () => {
    const { headers } = await get("/");

    const answer = await get("/", {}, "HEAD");

    expect(answer).toMatchObject({ status: 200, body: Buffer.alloc(0) });
    for (const name of ["etag", "content-type", "content-security-policy"])
      expect(answer.headers[name]).toBe(headers[name]);
  });

  it("names no other host and has no script of its own", async () => {
    const { body } = await get("/");

    expect(body.toString()).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(body.toString()).not.toMatch(/<script(?![^>]* src=)|<style| on\w+=/);
  });
});

describe("GET /assets/{file}", () => {
  it("may be kept for ever, since its name has the hash of its content", async () => {
    const paths = await assetPaths();

    expect(paths).toHaveLength(2);
    for (const path of paths) {
      expect(path).toMatch(/-[A-Z0-9]{8}\.(js|css)$/);
      const { status, headers } = await get(path);
      expect(status).toBe(200);
      expect(headers["cache-control"]).toBe("public, max-age=31536000, immutable");
      expect(headers["content-type"]).toMatch(/^text\/(javascript|css); charset=utf-8$/);
    }
  });

  it.each([
    ["gzip, deflate, br, zstd", "br"],
    ["gzip", "gzip"],
    ["br;q=0, GZIP;q=0.5", "gzip"],
    ["", undefined],
    ["identity", undefined],
  ])("comes as the browser takes it: %o", async (accepted, coding) => {
    const [path = ""] = await assetPaths();

    const { headers, body } = await get(path, { "accept-encoding": accepted });

    const decode = { br: brotliDecompressSync, gzip: gunzipSync, none: (bytes: Buffer) => bytes };
    expect(headers["content-encoding"]).toBe(coding);
    expect(headers.vary).toBe("accept-encoding");
    const plain = decode[coding === "br" || coding === "gzip" ? coding : "none"](body);
    expect(plain.equals(await readFile(new URL(path.replace("/assets/", ""), builtPage)))).toBe(true);
  });

  it.each(["/assets/nothing.js", "/assets/manifest.json", "/assets/..%2fapp.cjs", "/assets/"])(
    "answers 404: %s",
    async (path) => {
      expect(await get(path)).toMatchObject({ status: 404 });
    },
  );
});

it("the whole page has at most 150 KiB, compressed by gzip", async () => {
  const names = (await readdir(builtPage)).filter((name) => /\.(html|js|css)$/.test(name));
  const contents = await Promise.all(names.map((name) => readFile(new URL(name, builtPage))));

  const totalBytes = contents.reduce((total, content) => total + gzipSync(content).byteLength, 0);

  expect(names).toHaveLength(3);
  expect(totalBytes).toBeLessThan(150 * KiB);
});
