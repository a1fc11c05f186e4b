import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ApiRoute } from "../../src/functions/api-route.ts";
import { apiRoutes } from "../../src/functions/api-routes.ts";
import { type Api, readProblem, startApi } from "./api-support/start-api.ts";

const hookSecret = "3f7c91d0a86e4b52";
const principal = { auth_typ: "aad", claims: [{ typ: "oid", val: "66666666-7777-8888-9999-aaaaaaaaaaaa" }] };
const signedIn = {
  "x-ms-client-principal-id": principal.claims[0]?.val ?? "",
  "x-ms-client-principal": Buffer.from(JSON.stringify(principal)).toString("base64"),
};
const guarded = Object.entries<ApiRoute>(apiRoutes).filter(([, { authLevel }]) => authLevel === "function");

let api: Api;
beforeAll(async () => {
  api = await startApi({
    keys: ["the-key"],
    settings: { API_SIGN_IN: "platform", WEBSITE_AUTH_ENABLED: "True", HOOK_SECRETS: `acr:${hookSecret}` },
  });
});
afterAll(() => api[Symbol.asyncDispose]());

const send = (method: string, path: string, headers: Record<string, string> = {}) =>
  fetch(`${api.url}/${path}`, { method, headers });

describe("the API with API_SIGN_IN=platform", () => {
  it.each(guarded)("%s answers nobody whom the platform has not signed in, not even with a key", async (_, route) => {
    const path = route.route.replace(/\{\w+\}/g, "any");

    for (const headers of [{}, { "x-functions-key": "the-key" }, { authorization: "Bearer x" }]) {
      const response = await send(route.method, path, headers);
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
      expect(await readProblem(response)).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    }
  });

  it("answers whom it has signed in, without a key", async () => {
    const imports = await send("GET", "api/imports", signedIn);
    const rule = await fetch(`${api.url}/api/rules/mirror`, {
      method: "PUT",
      headers: { ...signedIn, "sec-fetch-site": "same-origin" },
      body: JSON.stringify({ source: { registry: api.source.host, repositories: ["team/*"] } }),
    });

    expect([imports.status, rule.status]).toEqual([200, 201]);
  });

  it.each([
    ["POST", "api/imports"],
    ["PUT", "api/rules/foreign"],
    ["DELETE", "api/rules/mirror"],
    ["POST", "api/rules/mirror/test"],
  ])("refuses %s /%s of a page elsewhere before it looks at the rest", async (method, path) => {
    const response = await send(method, path, { ...signedIn, "sec-fetch-site": "cross-site" });

    expect(await readProblem(response)).toMatchObject({ status: 403, code: "CALLER_FORBIDDEN" });
  });

  it("leaves health and the page to whoever the platform lets through", async () => {
    expect([(await send("GET", "api/health")).status, (await send("GET", "")).status]).toEqual([200, 200]);
  });

  it("leaves webhooks to their own secret", async () => {
    const problem = await readProblem(await send("POST", "api/hooks/acr", signedIn));
    const taken = await fetch(`${api.url}/api/hooks/acr`, {
      method: "POST",
      headers: { authorization: `Bearer ${hookSecret}` },
      body: JSON.stringify({ action: "ping" }),
    });

    expect(problem).toMatchObject({ code: "UNAUTHORIZED", detail: expect.stringContaining("no secret") });
    expect(taken.status).toBe(200);
  });

  it("does not let the platform's headers into the routes of the resource manager", async () => {
    const response = await send("GET", "subscriptions?api-version=2022-12-01", signedIn);

    expect(response.status).toBe(401);
  });

  it("says in its document how one signs in", async () => {
    const document = await (await send("GET", "api/openapi.json", signedIn)).json();

    expect(document).toMatchObject({ paths: { "/api/imports": { post: { security: [{ platform: [] }] } } } });
  });
});
