import { describe, expect, it } from "vitest";
import { whatNext } from "../../../src/local/demo-run.ts";

describe("the end of the demo", () => {
  it("names the dashboard's address only where it goes on", () => {
    expect(whatNext("http://127.0.0.1:7000")).toContain("http://127.0.0.1:7000/");
    expect(whatNext(undefined)).not.toContain("The dashboard  ");
    expect(whatNext(undefined)).toContain("npm run demo -- --keep --open");
  });
});
