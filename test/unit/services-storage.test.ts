import { expect, it } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { createStores } from "../../src/services-storage.ts";

const key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

it.each([
  ["says once that there is no key, and what is lost without it", {}, ["secrets-key-missing"]],
  ["says nothing of a key that is there", { SECRETS_KEY: key }, []],
])("a start %s", (_rule, settings, expected) => {
  const events: string[] = [];
  const config = parseConfig({ AzureWebJobsStorage: "UseDevelopmentStorage=true", ...settings });

  createStores(
    config,
    (event) => events.push(event),
    () => new Date(0),
  );

  expect(events).toEqual(expected);
});
