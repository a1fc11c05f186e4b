import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import { expect, it } from "vitest";
import { createArmClient } from "../../../../src/functions/delegation/arm-client.ts";
import { makeCertificate } from "../../../helpers/certificates.ts";
import { createLoopbackNetwork } from "../../../helpers/network.ts";
import { thrownBy } from "../../../helpers/registry-client.ts";

const signal = new AbortController().signal;
const place = { side: "source", registry: "wanted.azurecr.io", stage: "resolve" } as const;
const certificate = makeCertificate("arm.test");

async function listen(respond: RequestListener) {
  const requests: string[] = [];
  const server = createServer(certificate, (incoming, outgoing) => {
    requests.push(`${incoming.url?.split("?")[0]} ${incoming.headers.authorization}`);
    outgoing.setHeader("content-type", "application/json");
    respond(incoming, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return {
    ...{ origin: `https://127.0.0.1:${address.port}`, requests },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A resource manager with one subscription, on the second page of them at `nextOfAll`, whose list of registries goes on at `next`. */
async function findThrough(next: (own: string) => string, nextOfAll?: (own: string) => string) {
  await using server = await listen((incoming, outgoing) => {
    const url = new URL(incoming.url ?? "/", server.origin);
    const wanted = `/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/wanted`;
    const list = url.searchParams.has("page")
      ? {
          value: [
            { id: wanted, location: "westeurope", sku: { name: "Basic" }, properties: { loginServer: place.registry } },
          ],
        }
      : { value: [], nextLink: next(server.origin) };
    const all = { value: [{ subscriptionId: "s" }] };
    const isFirst = nextOfAll !== undefined && !url.searchParams.has("$skiptoken");
    const subscriptions = isFirst ? { value: [], nextLink: nextOfAll(server.origin) } : all;
    const body = url.pathname === "/subscriptions" ? subscriptions : list;
    outgoing.end(JSON.stringify(body));
  });
  const arm = createArmClient({
    endpoint: server.origin,
    network: { ...createLoopbackNetwork(), caFor: () => certificate.cert },
    credential: () => ({ getToken: async () => ({ token: "hush", expiresOnTimestamp: Date.now() + 3_600_000 }) }),
    userAgent: "drayage-test",
    now: () => new Date(),
  });
  try {
    return await arm.findRegistry(place, signal);
  } finally {
    await arm.close();
  }
}

it("follows the next page of registries at the resource manager itself", async () => {
  const found = await findThrough((own) => `${own}/more?page=2`);

  expect(found).toMatchObject({ subscription: "s", group: "g", name: "wanted" });
});

it("follows the next page of subscriptions", async () => {
  const found = await findThrough(
    (own) => `${own}/more?page=2`,
    (own) => `${own}/subscriptions?$skiptoken=2`,
  );

  expect(found).toMatchObject({ subscription: "s", group: "g", name: "wanted" });
});

it.each([
  ["registries", (other: string) => findThrough(() => `${other}/more?page=2`)],
  [
    "subscriptions",
    (other: string) =>
      findThrough(
        (own) => own,
        () => `${other}/subscriptions?$skiptoken=2`,
      ),
  ],
])("shows its token to no other host that a next page of %s is said to be at", async (_, find) => {
  await using other = await listen((_, outgoing) => outgoing.end(JSON.stringify({ value: [] })));

  const thrown = await thrownBy(() => find(other.origin));

  expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", side: "source", registry: place.registry });
  expect(thrown).toMatchObject({ message: expect.stringContaining("at another host; check ARM_ENDPOINT") });
  expect(other.requests).toEqual([]);
});
