import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parseImportRequest, type RequestSettings } from "../../../src/domain/import-request.ts";
import { importRequestSchema } from "../../../src/domain/import-request-schema.ts";
import { type ImportSpec, importSpecSchema } from "../../../src/domain/import-spec.ts";
import { formatImport } from "../../../src/domain/import-view.ts";
import { errorCodes } from "../../../src/errors.ts";
import { formatCommand, formatCurl, requestLike } from "../../../src/page/commands.ts";
import type { SignIn } from "../../../src/page/data/api.ts";
import { withoutHint } from "../../../src/page/error-text.ts";
import { parseErrorRows, splitCode } from "../../../src/page/errors-page.ts";
import { emptyForm, fieldOf, toRequest } from "../../../src/page/import-form.ts";
import { aRecord, aSpec, digestNamed } from "../domain/records.ts";

describe("the form of an import", () => {
  it("makes a request of what was filled in, and leaves out the rest", () => {
    expect(toRequest({ ...emptyForm, source: " docker.io/library/alpine:3 " })).toEqual({
      source: "docker.io/library/alpine:3",
      conflict: "fail",
    });
  });

  it("makes requests that the service understands", () => {
    const request = toRequest({
      source: "docker.io/library/alpine:3",
      credentials: { username: "me", password: "secret", secret: "" },
      target: "prod.azurecr.io",
      targetTags: "alpine:3\n\n alpine:latest ",
      untaggedTargetRepositories: "mirror/alpine",
      conflict: "overwrite",
      platforms: "linux/amd64",
      sparseIndex: true,
      referrers: true,
      verify: "full",
      strategy: "stream",
      labels: "team = web\nnote=a=b\nflag",
    });

    expect(importRequestSchema.parse(request)).toEqual(request);
    expect(request).toMatchObject({
      source: { sourceImage: "docker.io/library/alpine:3", credentials: { username: "me", password: "secret" } },
      targetTags: ["alpine:3", "alpine:latest"],
      labels: { team: "web", note: "a=b", flag: "" },
      ...{ verify: "full", strategy: "stream" },
    });
  });

  it.each([
    ["targetTags[1]", "targetTags"],
    ["source", "source"],
    ["source.sourceImage", "source"],
    ["source.credentials.username", "username"],
    ["source.credentials.password", "password"],
    ["source.credentials.secret", "secret"],
    ["source.credentials", "password"],
    ["labels.team", "labels"],
    ["timeoutSeconds", undefined],
    [undefined, undefined],
  ])("finds the field of %s", (property, field) => {
    expect(fieldOf(property)).toBe(field);
  });
});

describe("commands", () => {
  const view = formatImport(
    aRecord({ spec: aSpec({ labels: { team: "it's" } }) }),
    undefined,
    "https://drayage.example",
  );

  it("repeat an import by the command line client", () => {
    const request = requestLike(view);

    expect(request && formatCommand(request)).toBe(
      [
        "drayage import",
        "--source docker.io/library/alpine:3.20",
        "--target prod.azurecr.io",
        "--image alpine:3.20",
        "--repository mirror/alpine",
        `--label 'team=it'\\''s'`,
        "--timeout 60",
      ].join(" \\\n  "),
    );
  });

  it("quote what a shell would take apart, and sign in as the service asks for it", () => {
    const request = requestLike(view);
    const curl = (signIn: SignIn) => request && formatCurl("https://drayage.example/api/imports", request, signIn);

    expect(curl("key")).toContain(`{"team":"it'\\''s"}`);
    expect(curl("key")).toContain('-H "x-functions-key: $DRAYAGE_KEY"');
    expect(curl("platform")).toContain('-H "Authorization: Bearer $DRAYAGE_TOKEN"');
    expect(curl("platform")).not.toContain("key");
    expect(curl("none")).not.toContain("DRAYAGE");
  });

  const pinned = { registry: "docker.io", repository: "library/alpine", tag: "3.20", digest: digestNamed("pinned") };
  const inAzure = { registry: "prod.azurecr.io", repository: "team/app", tag: "1" };
  const resourceId = "/subscriptions/1/resourceGroups/a/providers/Microsoft.ContainerRegistry/registries/prod";
  it.each<[string, Partial<ImportSpec>]>([
    ["nothing besides", {}],
    ["a tag and its digest", { source: pinned }],
    ["a digest", { source: { ...inAzure, tag: undefined, digest: digestNamed("only") } }],
    ["a registry by its id in Azure", { source: { ...inAzure, resourceId } }],
    ["a secret of the key vault", { sourceSecret: { secret: "hub", username: "me" } }],
    ["no foreign layers", { foreignLayers: "skip", verify: "none", conflict: "skipIfSame" }],
    ["who copies", { strategy: "stream", timeoutSeconds: 7_200 }],
    ["all referrers and some platforms", { referrers: {}, platforms: [{ os: "linux", architecture: "amd64" }] }],
  ])("repeat the very same import: %s", (_, change) => {
    const spec = importSpecSchema.parse(JSON.parse(JSON.stringify(aSpec(change))));
    const names = { hostOfName: () => undefined, hostOfResource: () => "prod.azurecr.io" };
    const settings: RequestSettings = {
      ...{ registries: names, registrySuffix: "azurecr.io", defaultTarget: undefined },
      ...{ defaultConflict: "fail" as const, defaultTimeoutSeconds: 86_400 },
    };

    const request = requestLike(formatImport(aRecord({ spec }), undefined, ""));

    expect(parseImportRequest(request, settings).spec).toEqual(spec);
  });

  it("name the same source, layers and time to the command line client, where it has a flag for all of it", () => {
    const commandOf = (change: Partial<ImportSpec>) => {
      const request = requestLike(formatImport(aRecord({ spec: aSpec(change) }), undefined, ""));
      return request && formatCommand(request);
    };

    expect(commandOf({ source: pinned, foreignLayers: "skip", timeoutSeconds: 7_200 })).toMatch(
      new RegExp(
        `--source docker.io/library/alpine:3.20@${pinned.digest} (.|\\n)*--foreign-layers skip (.|\\n)*--timeout 7200$`,
      ),
    );
    expect(commandOf({ source: { ...inAzure, resourceId } })).toContain(
      `--registry ${resourceId} \\\n  --source team/app:1 `,
    );
    expect(commandOf({ sourceSecret: { secret: "hub" } })).toBeUndefined();
    expect(commandOf({ labels: { "a=b": "c" } })).toBeUndefined();
  });

  it("say how the import was to be made, and the request is one that the service takes", () => {
    const spec = aSpec({
      conflict: "overwrite",
      platforms: [{ os: "linux", architecture: "arm64", variant: "v8" }],
      sparseIndex: true,
      referrers: { artifactTypes: ["application/spdx+json"] },
      verify: "full",
    });

    const view = formatImport(aRecord({ spec }), undefined, "https://drayage.example");
    const request = requestLike({ ...view, strategy: "delegate" });

    expect(importRequestSchema.parse(request)).toEqual(request);
    expect(request).toMatchObject({ referrers: spec.referrers, verify: "full", strategy: "delegate" });
    expect(request && formatCommand(request)).toContain(
      [
        "--conflict overwrite",
        "--platform linux/arm64/v8",
        "--sparse-index",
        "--artifact-type application/spdx+json",
        "--verify full",
        "--strategy delegate",
      ].join(" \\\n  "),
    );
  });

  it("are not there for an import that could not be read", () => {
    expect(requestLike(formatImport(aRecord({ isUnreadable: true }), undefined, ""))).toBeUndefined();
  });
});

describe("what an error says", () => {
  it("has its hint once: the message ends with it, and it stands apart", () => {
    const error = { message: "source r.example: gone; check the tag", hint: "check the tag" };

    expect(withoutHint(error)).toBe("source r.example: gone");
    expect(withoutHint({ message: "cut because it was lo", hint: "longer" })).toBe("cut because it was lo");
    expect(withoutHint({ message: "no hint", hint: undefined })).toBe("no hint");
  });
});

describe("the errors of docs/errors.md", () => {
  it("are all found, each with cause and cure", async () => {
    const rows = parseErrorRows(await readFile(new URL("../../../docs/errors.md", import.meta.url), "utf8"));

    expect(rows.map(({ code }) => code).sort()).toEqual([...errorCodes].sort());
    expect(rows.filter(({ cause, cure }) => cause === "" || cure === "")).toEqual([]);
  });

  it("are text and code, without links to other documents", () => {
    expect(splitCode("set `A=1` ([docs/x.md](x.md))")).toEqual([
      { kind: "text", text: "set " },
      { kind: "code", text: "A=1" },
      { kind: "text", text: " (docs/x.md)" },
    ]);
  });
});
