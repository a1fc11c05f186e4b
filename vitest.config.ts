import { defineConfig } from "vitest/config";

const project = (name: string, testTimeoutMs: number, isolate = true) => ({
  test: {
    ...{ name, isolate },
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: testTimeoutMs,
    hookTimeout: 60_000,
    pool: "forks" as const,
  },
});

const results = process.env.TEST_RESULTS;

export default defineConfig({
  test: {
    maxWorkers: 2,
    reporters: results === undefined ? ["default"] : ["default", ["json", { outputFile: results }]],
    projects: [
      project("unit", 20_000, false), // reading the modules anew for each file took longer than the tests
      project("replay", 20_000),
      project("host", 60_000),
      project("infra", 300_000),
      project("e2e", 120_000),
      project("browser", 120_000),
    ],
  },
});
