import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { ImportError } from "../errors.ts";

/** A key that seals: `id` is stored beside what it sealed, so that keys can be changed. */
export interface SealingKey {
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** Encrypts texts for rows with AES-256-GCM, bound to where they stand. */
export interface Sealer {
  /** False: there is no key, and `seal` refuses. */
  readonly isAvailable: boolean;
  /** `place`: table and keys of the row. What is sealed for one place opens at no other. INVALID_REQUEST: no key. */
  readonly seal: (text: string, place: readonly string[]) => Uint8Array;
  /** undefined: of a key that is not there any more, of another place, or damaged. */
  readonly open: (sealed: Uint8Array, place: readonly string[]) => string | undefined;
}

/** The first key seals, all of them open. */
export function createSealer(keys: readonly SealingKey[]): Sealer {
  for (const { id, key } of keys)
    if (key.byteLength !== keyBytes) throw new Error(`sealing key ${id} must have ${keyBytes} bytes`);
  const byId = new Map(keys.map(({ id, key }) => [id, key]));
  const [sealing] = keys;
  return {
    isAvailable: sealing !== undefined,
    seal: (text, place) => {
      if (!sealing) throw noKey();
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, sealing.key, nonce).setAAD(toAad(sealing.id, place));
      const id = Buffer.from(sealing.id);
      const head = Buffer.from([formatVersion, id.byteLength]);
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([head, id, nonce, cipher.getAuthTag(), body]);
    },
    open: (sealed, place) => {
      const parts = parseSealed(sealed);
      const key = parts && byId.get(parts.keyId);
      if (!parts || !key) return undefined;
      const decipher = createDecipheriv(algorithm, key, parts.nonce, { authTagLength: tagBytes });
      decipher.setAAD(toAad(parts.keyId, place)).setAuthTag(parts.tag);
      try {
        return Buffer.concat([decipher.update(parts.body), decipher.final()]).toString("utf8");
      } catch {
        return undefined; // the tag does not fit: node:crypto has no other reason to throw here
      }
    },
  };
}

/** A key that lives as long as this process: for what is of no use to another one. */
export function randomSealingKey(): SealingKey {
  return { id: `process-${randomBytes(4).toString("hex")}`, key: randomBytes(keyBytes) };
}

const algorithm = "aes-256-gcm";
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const formatVersion = 1;

/** version, length of the key's id, id, nonce, tag, ciphertext. */
function parseSealed(sealed: Uint8Array) {
  const bytes = Buffer.from(sealed);
  const [version, idBytes = 0] = bytes;
  const nonceAt = 2 + idBytes;
  const tagAt = nonceAt + nonceBytes;
  const bodyAt = tagAt + tagBytes;
  if (version !== formatVersion || bytes.byteLength < bodyAt) return undefined;
  return {
    keyId: bytes.subarray(2, nonceAt).toString(),
    nonce: bytes.subarray(nonceAt, tagAt),
    tag: bytes.subarray(tagAt, bodyAt),
    body: bytes.subarray(bodyAt),
  };
}

function toAad(keyId: string, place: readonly string[]): Uint8Array {
  return Buffer.from(JSON.stringify([formatVersion, keyId, ...place])); // JSON keeps ["a","b"] apart from ["ab"]
}

function noKey(): ImportError {
  return new ImportError({
    code: "INVALID_REQUEST",
    what: "credentials in a request cannot be kept: this service has no key to seal them",
    hint: "set SECRETS_KEY, or put the registry's credentials into REGISTRIES",
    property: "source.credentials",
  });
}
