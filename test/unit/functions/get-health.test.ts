import { HttpRequest } from "@azure/functions";
import { describe, expect, it } from "vitest";
import { createGetHealth } from "../../../src/functions/triggers/get-health.ts";
import { createRegistryClient, defaultLimits } from "../../../src/registry/client.ts";
import { createTestNetwork } from "../../helpers/network.ts";
import { emptyBoard } from "../../helpers/registry-client.ts";

const request = new HttpRequest({ method: "GET", url: "http://drayage.test/api/health" });

describe("GET /api/health", () => {
  it("says that a registry fails, and not why: the route is open to everybody", async () => {
    const sleep = async () => {};
    const client = createRegistryClient({
      observe: () => () => {},
      ...{
        limits: defaultLimits,
        network: createTestNetwork(),
        board: emptyBoard,
        userAgent: "test",
        random: () => 0,
        now: () => new Date(),
        elapsedMs: () => performance.now(),
        log: () => {},
        sleep,
      },
    });
    const credentials = { kind: "anonymous" } as const;
    const access = { side: "target", registry: "r.example", stage: "resolve", credentials, insecure: true } as const;
    const late = () => Promise.reject(new DOMException("The operation was aborted due to timeout", "TimeoutError"));
    const registry = { ...client.open(access), ping: late };
    const open = { readStopped: async () => [] };
    const handle = createGetHealth({ open, transactions: () => 0, registries: () => [registry], now: () => 0 });

    const { status, body } = await handle(request);

    expect(status).toBe(200);
    expect(JSON.parse(String(body)).registries).toEqual({ "r.example": { status: "failing" } });
    await client.close();
  });
});
