import { HttpRequest, InvocationContext } from "@azure/functions";
import { describe, expect, it } from "vitest";
import { signedIn } from "../../../src/functions/triggers/signed-in.ts";
import { createMemoryLog } from "./memory-stores.ts";

const context = new InvocationContext({ functionName: "postImports" });
const byId = { "x-ms-client-principal-id": "66666666-7777-8888-9999-aaaaaaaaaaaa" };

function send(method: "GET" | "POST" | "PUT" | "DELETE", headers: Record<string, string>) {
  const { log, lines } = createMemoryLog();
  const handle = signedIn(log, async () => ({ status: 204, headers: { etag: "1" } }));
  const answer = handle(new HttpRequest({ method, url: "http://drayage.test/api/imports", headers }), context);
  return { answer, lines };
}

/** The answer of the route itself, which says besides what the page is to ask for in commands. */
const answered = { status: 204, headers: { etag: "1", "drayage-sign-in": "platform" } };

describe("a route behind the platform's sign-in", () => {
  it.each([byId, { "x-ms-client-principal": "eyJhdXRoX3R5cCI6ImFhZCJ9" }])(
    "answers whom the platform names: %j",
    async (headers) => {
      expect(await send("POST", headers).answer).toEqual(answered);
    },
  );

  it.each([
    [{}],
    [{ "x-ms-client-principal-id": " " }],
    [{ "x-ms-client-principal-name": "somebody@example.org" }],
    [{ "x-functions-key": "a key of the app" }],
    [{ authorization: "Bearer a.token.nobody-checked" }],
  ])("refuses whom it does not: %j", async (headers) => {
    const { answer, lines } = send("GET", headers);

    await expect(answer).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    expect(JSON.stringify(lines)).toContain("caller-refused");
    expect(JSON.stringify(lines)).not.toMatch(/a key of|nobody-checked/);
  });

  it.each(["POST", "PUT", "DELETE"] as const)("refuses a %s that a page of another site sends", async (method) => {
    for (const site of ["cross-site", "same-site"])
      await expect(send(method, { ...byId, "sec-fetch-site": site }).answer).rejects.toMatchObject({
        code: "CALLER_FORBIDDEN",
      });
  });

  it("takes changes of its own page, of a typed address and of what is no browser, and links from elsewhere", async () => {
    const taken = [
      send("POST", { ...byId, "sec-fetch-site": "same-origin" }),
      send("POST", { ...byId, "sec-fetch-site": "none" }),
      send("DELETE", byId),
      send("GET", { ...byId, "sec-fetch-site": "cross-site" }),
    ];

    expect(await Promise.all(taken.map(({ answer }) => answer))).toEqual(taken.map(() => answered));
  });
});
