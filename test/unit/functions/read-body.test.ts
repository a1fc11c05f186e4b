import { HttpRequest } from "@azure/functions";
import { describe, expect, it } from "vitest";
import { ImportError } from "../../../src/errors.ts";
import { readJsonBody } from "../../../src/functions/triggers/read-body.ts";

const read = (text: string) =>
  readJsonBody(new HttpRequest({ method: "POST", url: "http://drayage.test/x", body: { string: text } }));

describe("readJsonBody", () => {
  it("reads JSON, and nothing where there is nothing", async () => {
    expect(await read('{"source":"x"}')).toEqual({ source: "x" });
    expect(await read(" ")).toBeUndefined();
  });

  it("refuses a property that schemas do not see", async () => {
    await expect(read('{"labels":{"__proto__":"x"}}')).rejects.toMatchObject({ code: "INVALID_REQUEST" });
    expect(await read('{"labels":{"x":"__proto__"}}')).toEqual({ labels: { x: "__proto__" } });
  });

  it("repeats nothing of a body that cannot be read", async () => {
    const thrown = await read('{"credentials":{"password": hunter2 }}').catch((error: unknown) => error);

    expect(thrown).toMatchObject({ code: "INVALID_REQUEST" });
    expect(thrown instanceof ImportError && JSON.stringify(thrown.toWire())).not.toMatch(/hunter|unter2/);
  });
});
