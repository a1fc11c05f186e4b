import { describe, expect, it } from "vitest";
import { createApi } from "../../../src/page/data/api.ts";

/** A service that gives one answer, and what it was asked. */
function createScene(answer: () => Response) {
  const asked: Request[] = [];
  const fetch = async (path: string | URL | Request, init?: RequestInit) => {
    asked.push(new Request(new URL(String(path), "http://drayage.example"), init));
    return answer();
  };
  const api = (key: string | null) => createApi({ fetch, key: { read: () => key }, clock: () => 0 });
  return { asked, api };
}
const problem = (status: number) => () =>
  Response.json(
    { code: "HOST_NOT_ALLOWED" },
    { status, headers: { "content-type": "application/problem+json", "retry-after": "7" } },
  );

describe("the page's API", () => {
  it("sends the key as a header and nowhere else", async () => {
    const { asked, api } = createScene(() => Response.json({}));

    await api("secret").get("/api/imports", undefined);
    await api(null).get("/api/imports", undefined);

    expect(asked.map(({ headers }) => headers.get("x-functions-key"))).toEqual(["secret", null]);
    expect(asked.map(({ url }) => url)).toEqual(Array.from({ length: 2 }, () => "http://drayage.example/api/imports"));
  });

  it("tells what callers are asked for: the platform's sign-in where an answer says so, else the key that is known", async () => {
    const signInAfter = async (key: string | null, headers: Record<string, string>) => {
      const { api } = createScene(() => Response.json({}, { headers }));
      const one = api(key);
      await one.get("/api/imports", undefined);
      return one.signIn();
    };

    expect(await signInAfter("left from before", { "drayage-sign-in": "platform" })).toBe("platform");
    expect(await signInAfter("a key", {})).toBe("key");
    expect(await signInAfter(null, {})).toBe("none");
  });

  it("asks by ETag and hears that nothing has changed", async () => {
    const { asked, api } = createScene(() => new Response(null, { status: 304 }));

    expect(await api(null).get("/api/imports", '"tag"')).toEqual({ kind: "same" });
    expect(asked[0]?.headers.get("if-none-match")).toBe('"tag"');
  });

  it.each([
    ["401 of the host", () => new Response(null, { status: 401 }), { kind: "sign-in", by: "key" }],
    [
      "401 of the platform's sign-in",
      () => new Response(null, { status: 401, headers: { "www-authenticate": 'Bearer realm="app.example"' } }),
      { kind: "sign-in", by: "platform" },
    ],
    [
      "403 of the platform",
      () => new Response("no", { status: 403 }),
      { kind: "refused", status: 403, problem: undefined },
    ],
    ["403 about the request", problem(403), { kind: "refused", status: 403, problem: { code: "HOST_NOT_ALLOWED" } }],
    ["503 of the service", problem(503), { kind: "refused", status: 503, retryAfterSeconds: 7 }],
    ["502 of a proxy", () => new Response("<html>", { status: 502 }), { kind: "refused", problem: undefined }],
    [
      "200 of a proxy or captive portal, which is a page",
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      { kind: "refused", status: 200, problem: undefined },
    ],
    [
      "a body that is cut off",
      () => new Response('{"a":', { headers: { "content-type": "application/json" } }),
      { kind: "unreachable" },
    ],
  ])("understands %s", async (_name, answer, outcome) => {
    const { api } = createScene(answer);

    expect(await api(null).get("/api/imports", undefined)).toMatchObject(outcome);
  });

  it("changes only what is as the reader saw it", async () => {
    const { asked, api } = createScene(() => Response.json({}));
    const path = "/api/rules/mirror";

    await api(null).change({ method: "PUT", path, body: {}, ifMatch: '"seen"' });
    await api(null).change({ method: "PUT", path, body: {}, ifMatch: "missing" });

    const conditions = asked.map(({ headers }) => [headers.get("if-match"), headers.get("if-none-match")]);
    expect(conditions).toEqual([
      ['"seen"', null],
      [null, "*"],
    ]);
  });

  it("says that a failed fetch did not reach the service", async () => {
    const { api } = createScene(() => {
      throw new TypeError("Failed to fetch");
    });

    expect(await api(null).change({ method: "POST", path: "/api/imports", body: {} })).toEqual({ kind: "unreachable" });
  });
});
