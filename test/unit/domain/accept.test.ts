import { describe, expect, it } from "vitest";
import { type AcceptPorts, createAccept, instanceId } from "../../../src/domain/accept.ts";
import type { ImportRecord } from "../../../src/domain/import-record.ts";
import { aRecord, aSpec, laterBy, t0 } from "./records.ts";

/** Tables as accept sees them; `crashBefore` throws at that port. */
function aWorld({ crashBefore }: { crashBefore?: keyof AcceptPorts } = {}) {
  const secrets = new Map<string, string>();
  const open = new Map<string, number>();
  const imports = new Map<string, ImportRecord>();
  const instances = new Set<string>();
  const steps: string[] = [];
  let crash = crashBefore;
  const step = (name: keyof AcceptPorts) => {
    if (crash === name) {
      crash = undefined;
      throw new Error(`crashed before ${name}`);
    }
    steps.push(name);
  };
  const accept = createAccept({
    now: () => laterBy(10),
    insertSecret: async (id, { password }) => {
      step("insertSecret");
      if (!secrets.has(id)) secrets.set(id, password);
    },
    insertOpen: async ({ id, attempt }) => {
      step("insertOpen");
      open.set(id, attempt);
    },
    insertImport: async (record) => {
      step("insertImport");
      const there = imports.get(record.id);
      if (there) return there;
      imports.set(record.id, record);
      return "inserted";
    },
    startOrchestration: async (attempt) => {
      step("startOrchestration");
      instances.add(instanceId(attempt));
    },
  });
  return { accept, secrets, open, imports, instances, steps };
}

const { id } = aRecord();
const credentials = { username: "u", password: "p" };
const request = { id, trigger: { kind: "http" }, causedAt: t0, request: { spec: aSpec(), credentials } } as const;

describe("accept", () => {
  it("stores the open row, then secrets, then the record, and only then starts", async () => {
    const world = aWorld();

    const { record, isNew } = await world.accept(request);

    expect(world.steps).toEqual(["insertOpen", "insertSecret", "insertImport", "startOrchestration"]);
    expect(isNew).toBe(true);
    expect(record).toEqual(aRecord({ hasCredentials: true, deadlineAt: laterBy(70).toISOString() }));
    expect([...world.instances]).toEqual([`${id}-1`]);
  });

  it("stores no secret for a request without credentials", async () => {
    const world = aWorld();

    const { record } = await world.accept({ ...request, request: { spec: aSpec() } });

    expect(world.secrets.size).toBe(0);
    expect(record.hasCredentials).toBe(false);
  });

  it.each(["insertOpen", "insertSecret", "insertImport", "startOrchestration"] as const)(
    "is completed by a repeat after a crash before %s",
    async (crashBefore) => {
      const world = aWorld({ crashBefore });

      await expect(world.accept(request)).rejects.toThrow("crashed");
      const { record } = await world.accept(request);

      expect(world.imports.get(id)).toEqual(record);
      expect([...world.instances]).toEqual([`${id}-1`]);
      expect(world.secrets.get(id)).toBe("p");
    },
  );

  it("gives a repeat the import that is there, and starts it again only while it is Accepted", async () => {
    const world = aWorld();
    const running = aRecord({ state: "Copying", attempt: 3 });
    world.imports.set(id, running);

    expect(await world.accept(request)).toEqual({ record: running, isNew: false });
    expect(world.instances.size).toBe(0);

    world.imports.set(id, aRecord({ attempt: 3 }));
    await world.accept(request);
    expect([...world.instances]).toEqual([`${id}-3`]);
  });
});
