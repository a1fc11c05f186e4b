import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, readProblem, startApi } from "./api-support/start-api.ts";

const nobodyListens =
  "DefaultEndpointsProtocol=http;AccountName=none;AccountKey=bm9uZQ==;TableEndpoint=http://127.0.0.1:1/none;QueueEndpoint=http://127.0.0.1:1/none;";
const key = { "x-functions-key": "the-key" };
const anId = "ZYBQRVZTHT2NK1GDG8EVRHVFQC";

let api: Api;
beforeAll(async () => {
  api = await startApi({
    keys: ["the-key"],
    settings: { AzureWebJobsStorage: nobodyListens, SECRETS_KEY: " " }, // a blank setting is none
  });
});
afterAll(() => api[Symbol.asyncDispose]());

const request = () => ({ source: `${api.source.host}/team/app:1` });

describe("without storage", () => {
  it.each([
    ["GET", "/api/imports"],
    ["GET", "/api/imports?state=Copying"],
    ["GET", `/api/imports/${anId}`],
    ["GET", `/api/imports/${anId}/parts`],
    ["POST", `/api/imports/${anId}/cancel`],
    ["POST", `/api/imports/${anId}/retry`],
  ] as const)("%s %s answers 503 and when to come again", async (method, path) => {
    const response = await (method === "GET" ? api.get(path, key) : api.post(path, undefined, key));

    expect(response.headers.get("retry-after")).toBe("5");
    expect(await readProblem(response)).toMatchObject({ status: 503, code: "STORAGE_UNAVAILABLE", retryable: true });
  });

  it("an import is not accepted", async () => {
    const response = await api.post("/api/imports", request(), key);

    expect(await readProblem(response)).toMatchObject({ status: 503, code: "STORAGE_UNAVAILABLE" });
  });

  it("a malformed request is refused as ever", async () => {
    expect(await readProblem(await api.post("/api/imports", {}, key))).toMatchObject({
      status: 400,
      property: "source",
    });
  });

  it("health says what does not work, with 503", async () => {
    const response = await api.get("/api/health");

    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      status: "failing",
      storage: { status: "failing", detail: expect.stringContaining("cannot be reached") },
      registries: { [api.target.host]: { status: "ok" } },
    });
  });
});

describe("without a key for secrets", () => {
  it("credentials in a request are refused before anything is stored", async () => {
    const credentials = { username: "u", password: "p" };
    const source = { registryUri: api.source.host, sourceImage: "team/app:1", credentials };

    const problem = await readProblem(await api.post("/api/imports", { source }, key));
    const retry = await readProblem(await api.post(`/api/imports/${anId}/retry`, { source: { credentials } }, key));

    expect(problem).toMatchObject({ status: 400, code: "INVALID_REQUEST", property: "source.credentials" });
    expect(retry).toMatchObject({ status: 400, property: "source.credentials" });
    expect(problem.hint).toContain("SECRETS_KEY");
  });
});

describe("a host with keys", () => {
  it.each(["/api/imports", `/api/imports/${anId}`, "/api/openapi.json"])("asks for one: %s", async (path) => {
    expect((await api.get(path)).status).toBe(401);
    expect((await api.get(path, { "x-functions-key": "another" })).status).toBe(401);
  });

  it("takes no principal for one, whoever names it", async () => {
    const forged = { "x-ms-client-principal-id": "somebody", "x-ms-client-principal": "e30=" };

    expect((await api.get("/api/imports", forged)).status).toBe(401);
  });

  it("takes it as a query parameter too", async () => {
    expect((await api.get("/api/openapi.json?code=the-key")).status).toBe(200);
    expect((await api.get("/api/imports?code=the-key")).status).toBe(503);
  });
});
