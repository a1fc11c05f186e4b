import type { RegistryResponse } from "./registry.ts";

/** The same response with its body read and its connection free. Throws what reading it meets. */
export async function holdBody(response: RegistryResponse, maxBytes: number): Promise<RegistryResponse> {
  await using open = response;
  const { status, header, isOwn, url } = open;
  const bytes = await open.bytes(maxBytes);
  return {
    ...{ status, header, isOwn, url },
    content: contentOf(bytes),
    bytes: async () => bytes,
    text: async () => new TextDecoder().decode(bytes),
    [Symbol.asyncDispose]: async () => {},
  };
}

async function* contentOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
