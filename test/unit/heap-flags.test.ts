import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { heapGrowthFlag } from "../../src/heap-flags.ts";
import { serviceNodeFlags } from "../../src/local/service-process.ts";

it("names a flag that V8 knows: one that it does not know is ignored in silence by a process that runs", () => {
  const start = () => execFileSync(process.execPath, [heapGrowthFlag, "-e", "0"], { stdio: "pipe" });

  expect(start).not.toThrow();
});

it("is among those that npm start starts with", () => {
  expect(serviceNodeFlags).toContain(heapGrowthFlag);
});
