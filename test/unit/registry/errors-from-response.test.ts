import { describe, expect, it } from "vitest";
import { errorFromResponse } from "../../../src/registry/errors-from-response.ts";

const oci = (code: string, message = "") => JSON.stringify({ errors: [{ code, message }] });

function errorOf(
  side: "source" | "target",
  method: string,
  status: number,
  body = "",
  storageHost?: string,
  signInHint?: string,
) {
  const place = { side, registry: "r.example", stage: "copy" } as const;
  return errorFromResponse(place, {
    method,
    status,
    subject: "manifests/1 of team/app",
    body,
    retryAfterSeconds: 7,
    correlationId: "c-1",
    isRetryable: false,
    storageHost,
    isPage: body.startsWith("<!doctype html>"),
    signInHint,
    refusalHint: "check the sign-in",
    hasSignInEnded: false,
  });
}

describe("errorFromResponse", () => {
  it.each([
    ["GET", 400, "SOURCE_UNAUTHORIZED", "check the password"],
    ["POST", 401, "SOURCE_UNAUTHORIZED", "check the password"],
    ["POST", 403, "SOURCE_FORBIDDEN", "check the password"],
    ["POST", 404, "SOURCE_UNAVAILABLE", "no tokens of this kind"],
    ["POST", 405, "SOURCE_UNAVAILABLE", "no tokens of this kind"],
  ])("takes %s %i of a token service as %s", (method, status, code, hint) => {
    const error = errorOf("source", method, status, "{}", undefined, "check the password");

    expect(error).toMatchObject({ code, retryable: false });
    expect(error.message).toContain(hint);
  });

  it.each([
    ["source", "GET", 401, "", "SOURCE_UNAUTHORIZED", false],
    ["target", "PUT", 401, "", "TARGET_UNAUTHORIZED", false],
    ["source", "GET", 403, oci("DENIED"), "SOURCE_FORBIDDEN", false],
    ["target", "POST", 403, oci("DENIED"), "TARGET_FORBIDDEN", false],
    [
      "source",
      "GET",
      403,
      oci("DENIED", "client with IP '203.0.113.9' is not allowed access. Refer https://aka.ms/acr/firewall"),
      "SOURCE_NETWORK_RESTRICTED",
      false,
    ],
    ["target", "POST", 403, "see https://aka.ms/acr/firewall to grant access", "TARGET_NETWORK_RESTRICTED", false],
    ["source", "GET", 404, oci("NAME_UNKNOWN"), "SOURCE_NOT_FOUND", false],
    ["source", "GET", 404, oci("MANIFEST_UNKNOWN"), "SOURCE_NOT_FOUND", false],
    ["target", "POST", 404, oci("NAME_UNKNOWN"), "TARGET_REPOSITORY_MISSING", false],
    ["target", "POST", 404, "<html>not here</html>", "TARGET_REPOSITORY_MISSING", false],
    ["target", "GET", 404, oci("BLOB_UNKNOWN"), "TARGET_CONTENT_MISSING", false],
    ["target", "PUT", 404, oci("MANIFEST_BLOB_UNKNOWN"), "TARGET_CONTENT_MISSING", false],
    ["target", "PUT", 400, oci("MANIFEST_BLOB_UNKNOWN"), "TARGET_CONTENT_MISSING", false],
    ["target", "PUT", 404, oci("MANIFEST_UNKNOWN"), "TARGET_CONTENT_MISSING", false],
    ["target", "PUT", 400, oci("MANIFEST_INVALID"), "TARGET_DIGEST_REJECTED", false],
    ["target", "PUT", 400, oci("DIGEST_INVALID"), "TARGET_DIGEST_REJECTED", false],
    ["target", "PUT", 400, oci("TAG_INVALID", "tag '1' already exists … is immutable"), "TARGET_LOCKED", false],
    ["target", "PUT", 412, oci("PRECONDITION", "configured as immutable tag"), "TARGET_LOCKED", false],
    ["target", "PUT", 405, "", "TARGET_LOCKED", false],
    ["target", "PUT", 403, oci("REGISTRY_DISALLOWED_OPERATION"), "TARGET_LOCKED", false],
    ["source", "GET", 405, "", "SOURCE_FORBIDDEN", false],
    ["source", "GET", 405, oci("UNSUPPORTED", "The operation is disallowed on this registry"), "SOURCE_LOCKED", false],
    [
      "target",
      "PUT",
      403,
      oci("DENIED", "adding 29.0 MiB of storage resource, which … will exceed the configured upper limit of 10.0 MiB."),
      "TARGET_QUOTA_EXCEEDED",
      false,
    ],
    ["target", "PUT", 400, oci("LimitExceededException"), "TARGET_QUOTA_EXCEEDED", false],
    ["target", "PUT", 403, oci("DENIED", "Quota has been exceeded on namespace"), "TARGET_QUOTA_EXCEEDED", false],
    ["target", "PUT", 409, oci("DENIED", "the manifest is soft deleted, restore it"), "TARGET_SOFT_DELETED", false],
    [
      "target",
      "POST",
      403,
      oci("DENIED", "the repository is in use by a cache rule"),
      "TARGET_CACHE_REPOSITORY",
      false,
    ],
    ["source", "GET", 200, "<!doctype html>", "SOURCE_NOT_A_REGISTRY", false],
    ["target", "POST", 404, "<!doctype html>", "TARGET_NOT_A_REGISTRY", false],
    ["target", "PUT", 502, "<!doctype html>", "TARGET_UNAVAILABLE", true],
    ["source", "GET", 429, "<!doctype html>", "SOURCE_RATE_LIMITED", true],
    ["target", "PUT", 413, "", "TARGET_UPLOAD_REJECTED", false],
    ["target", "PUT", 415, "", "UNSUPPORTED_MEDIA_TYPE", false],
    ["source", "GET", 416, "", "SOURCE_CONTENT_CORRUPT", false],
    ["target", "GET", 416, "", "TARGET_CONTENT_CORRUPT", false],
    ["target", "PATCH", 416, "", "TARGET_UPLOAD_REJECTED", false],
    ["source", "GET", 408, "", "SOURCE_UNAVAILABLE", true],
    ["source", "GET", 429, "<h1>slow down</h1>", "SOURCE_RATE_LIMITED", true],
    ["target", "PUT", 429, oci("TOOMANYREQUESTS"), "TARGET_RATE_LIMITED", true],
    ["target", "PUT", 500, "", "TARGET_UNAVAILABLE", true],
    ["source", "GET", 503, "", "SOURCE_UNAVAILABLE", true],
    ["source", "GET", 501, "", "SOURCE_UNAVAILABLE", false],
    ["source", "GET", 302, "", "SOURCE_UNAVAILABLE", false],
  ] as const)("makes %s %s %i %s a %s", (side, method, status, body, code, retryable) => {
    const error = errorOf(side, method, status, body);

    expect(error).toMatchObject({ code, retryable, httpStatus: status, side });
    expect(error.message).toMatch(`${side} r.example: ${method} manifests/1 of team/app was answered ${status}`);
  });

  it("names what the registry said, and its correlation id", () => {
    const error = errorOf("target", "PUT", 403, oci("denied", "no push for you"));

    expect(error.message).toContain("DENIED: no push for you");
    expect(error.toWire()).toMatchObject({
      upstream: [{ code: "DENIED", message: "no push for you" }],
      correlationId: "c-1",
    });
  });

  it("takes a signed URL that storage refuses for a passing fault of the source, and names the storage", () => {
    const error = errorOf("source", "GET", 403, "<Error>Expired</Error>", "storage.example");

    expect(error).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true, httpStatus: 403 });
    expect(error.message).toContain("was answered 403 by storage.example");
  });

  it("tells how long to wait only where waiting helps", () => {
    expect(errorOf("source", "GET", 429).retryAfterSeconds).toBe(7);
    expect(errorOf("source", "GET", 403).retryAfterSeconds).toBeUndefined();
  });
});
